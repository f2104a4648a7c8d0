import {
	NodeConnectionTypes,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IPollFunctions,
} from 'n8n-workflow';
import { latest, newest, paywallOf, since, type Cursor } from '../shared/events';
import description from './description.json';

/** n8n keeps the cursor only when a run starts, not after `null`: a run without items for the rare
 * case that the old cursor would be wrong after a restart. */
const runWithoutEvents = (): INodeExecutionData[][] => [[]];

export class PaywallsPollingTrigger implements INodeType {
	description: INodeTypeDescription = {
		...(description as unknown as INodeTypeDescription),
		icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
		subtitle: description.subtitle,
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
	};

	async poll(this: IPollFunctions): Promise<INodeExecutionData[][] | null> {
		const event = this.getNodeParameter('event') as string;
		const user = this.getNodeParameter('user', '') as string;
		if (this.getMode() === 'manual') {
			return [this.helpers.returnJsonArray(await newest.call(this, event, user))];
		}
		const kept = this.getWorkflowStaticData('node') as Cursor;
		const paywall = await paywallOf.call(this);
		const other = Boolean(paywall && kept.paywall && paywall !== kept.paywall);
		if (paywall) kept.paywall = paywall;
		if (kept.cursor === undefined) {
			kept.cursor = await latest.call(this);
			return null;
		}
		if (other) {
			kept.cursor = await latest.call(this);
			return runWithoutEvents();
		}
		const { events, cursor } = await since.call(this, event, user, kept.cursor);
		const anew = cursor < kept.cursor;
		kept.cursor = cursor;
		if (events.length) return [this.helpers.returnJsonArray(events)];
		return anew ? runWithoutEvents() : null;
	}
}
