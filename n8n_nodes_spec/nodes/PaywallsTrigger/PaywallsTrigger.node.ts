import {
	NodeConnectionTypes,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { isSubscribed, subscribe, unsubscribe, type Subscription } from '../shared/hook';
import { isSigned } from '../shared/signature';
import description from './description.json';

export class PaywallsTrigger implements INodeType {
	description: INodeTypeDescription = {
		...(description as unknown as INodeTypeDescription),
		icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
		subtitle: description.subtitle,
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
	};

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return await isSubscribed.call(this);
			},
			async create(this: IHookFunctions): Promise<boolean> {
				return await subscribe.call(this);
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				return await unsubscribe.call(this);
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const { secret } = this.getWorkflowStaticData('node') as Subscription;
		const { rawBody } = this.getRequestObject();
		if (!secret || !isSigned(secret, this.getHeaderData(), rawBody)) {
			this.getResponseObject().status(401).send('This does not carry the signature of the connector.');
			return { noWebhookResponse: true };
		}
		return { workflowData: [this.helpers.returnJsonArray(this.getBodyData())] };
	}
}
