import {
	NodeConnectionTypes,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IPollFunctions,
} from 'n8n-workflow';
import { latest, newest, since, type Cursor } from '../shared/events';
import description from './description.json';

export class PaywallsPollingTrigger implements INodeType {
	description: INodeTypeDescription = {
		...(description as unknown as INodeTypeDescription),
		icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
		subtitle: '={{ $parameter["event"] }}',
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
		if (kept.cursor === undefined) {
			kept.cursor = await latest.call(this);
			return null;
		}
		const { events, cursor } = await since.call(this, event, user, kept.cursor);
		kept.cursor = cursor;
		return events.length ? [this.helpers.returnJsonArray(events)] : null;
	}
}
