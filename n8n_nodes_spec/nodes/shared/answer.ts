import {
	NodeApiError,
	type IDataObject,
	type IExecuteSingleFunctions,
	type IN8nHttpFullResponse,
	type INodeExecutionData,
	type INodeProperties,
	type JsonObject,
} from 'n8n-workflow';
import { toldBy } from './request';

const GO_ON = 'To go on instead of stopping here, set “On Refusal” to “Continue”.';

/** Turns an answer into items; stops with the connector's own words where that is asked for. */
async function read(
	this: IExecuteSingleFunctions,
	items: INodeExecutionData[],
	response: IN8nHttpFullResponse,
): Promise<INodeExecutionData[]> {
	const body = response.body as IDataObject | IDataObject[];
	const itemIndex = this.getItemIndex();
	if (response.statusCode >= 400 || typeof body !== 'object' || body === null) {
		throw toldBy(this.getNode(), response, itemIndex);
	}
	if (Array.isArray(body)) {
		return body.map((json) => ({ json, pairedItem: { item: itemIndex } }));
	}
	const onRefusal = this.getNodeParameter('on_refusal', '');
	if (body.success === false && onRefusal !== 'continue') {
		const link = body.action_url ? `The user's link: ${body.action_url as string}` : '';
		throw new NodeApiError(this.getNode(), body as JsonObject, {
			message: body.message as string,
			description: [onRefusal ? GO_ON : '', link].filter(Boolean).join(' '),
			httpCode: String(response.statusCode),
			itemIndex,
		});
	}
	return items;
}

/** A field that nobody sees and that is not sent: it has every answer read. */
export const answer: INodeProperties = {
	displayName: 'Answer',
	name: 'answer',
	type: 'hidden',
	default: '',
	routing: { output: { postReceive: [read] } },
};
