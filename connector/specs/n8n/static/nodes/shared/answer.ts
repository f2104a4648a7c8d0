import {
	NodeApiError,
	type IDataObject,
	type IExecuteSingleFunctions,
	type IN8nHttpFullResponse,
	type INodeExecutionData,
	type INodeProperties,
	type JsonObject,
} from 'n8n-workflow';
import refusals from './refusals.json';
import { escaped, toldBy } from './request';
import { isTrial } from './trial';

/** The link that the user must open, to be clicked or copied; empty if there is none. */
function linked(url: unknown): string {
	if (!url) return '';
	return `${refusals.link} <a href="${escaped(url)}" target="_blank">${escaped(url)}</a>.`;
}

/** Who could not pay for what; other answers in the connector's own words. */
function told(this: IExecuteSingleFunctions, body: IDataObject): string {
	const sentences: Record<string, string> = refusals.sentences;
	const sentence = sentences[body.outcome as string];
	if (!sentence) return escaped(body.message);
	const values: Record<string, unknown> = {
		user: this.getNodeParameter('user', ''),
		what: body.amount || refusals.answer,
		message: body.message,
	};
	return escaped(sentence.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name])));
}

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
	const calm = refusals.goesOnWith.includes(body.outcome as string) || isTrial.call(this);
	const goesOn = onRefusal === 'continue' || calm;
	if (body.success === false && !goesOn) {
		throw new NodeApiError(this.getNode(), body as JsonObject, {
			message: told.call(this, body),
			description: [linked(body.action_url), onRefusal ? refusals.goOn : ''].filter(Boolean).join(' '),
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
