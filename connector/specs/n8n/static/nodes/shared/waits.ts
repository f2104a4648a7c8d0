import {
	NodeApiError,
	NodeOperationError,
	sleep,
	type DeclarativeRestApiSettings,
	type IDataObject,
	type IExecutePaginationFunctions,
	type INodeExecutionData,
	type INodeProperties,
	type JsonObject,
} from 'n8n-workflow';
import { escaped } from './request';
import words from './waits.json';

const giveUp = words.giveUpAfter;
const PAUSE_MS = 5_000;
/** Too many at once: nothing was asked, and there is room again soon. */
const CROWDED = '429';
/** What a proxy says, or the connector while it is started anew. */
const PASSING = ['502', '503', '504', '524'];

/** Whether sending the same again may go better; before anything was asked, only what says so. */
function passes(error: unknown, asked: boolean): boolean {
	if (!(error instanceof NodeApiError)) return false;
	const status = error.httpCode ?? '';
	return status === CROWDED || (asked && (PASSING.includes(status) || !/^[1-5]\d\d$/.test(status)));
}

/**
 * Sends a chat that has a reference until it is answered, for as long as the builder has set: one
 * call must not last long, and the connector asks the model only once. n8n itself ends the call
 * that waits when the run is cancelled.
 */
async function untilAnswered(
	this: IExecutePaginationFunctions,
	request: DeclarativeRestApiSettings.ResultOptions,
): Promise<INodeExecutionData[]> {
	const body = request.options.body as IDataObject;
	if (!body.reference || body.callback_url) return await this.makeRoutingRequest(request);
	const perCall = Number(this.getNodeParameter(words.field.name, words.field.default));
	const minutes = Number(this.getNodeParameter(giveUp.path, giveUp.minutes));
	const end = Date.now() + minutes * 60_000;
	const cancelled = this.getExecutionCancelSignal();
	let asked = false;
	for (;;) {
		const wait = Math.min(perCall, Math.max(0, Math.ceil((end - Date.now()) / 1000)));
		const options = { ...request.options, body: { ...body, wait } };
		try {
			const items = await this.makeRoutingRequest({ ...request, options });
			if (items[0]?.json.outcome !== words.pending) return items;
			asked = true;
			if (Date.now() >= end) break;
		} catch (error) {
			if (cancelled?.aborted || Date.now() >= end || !passes(error, asked)) {
				throw new NodeApiError(this.getNode(), error as JsonObject);
			}
			await sleep(PAUSE_MS);
		}
		if (cancelled?.aborted) break;
	}
	throw new NodeOperationError(
		this.getNode(),
		`The answer was not there after ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`,
		{
			description: `It may still come, and is paid for only once. To get it, send the same again with this reference: ${escaped(body.reference)}. “${giveUp.label}” sets how long this step waits.`,
			itemIndex: this.getItemIndex(),
		},
	);
}

/** A field that nobody sees and that is not sent: it has a chat waited for, so many seconds a call. */
export const waits: INodeProperties = {
	...(words.field as INodeProperties),
	routing: { send: { paginate: true }, operations: { pagination: untilAnswered } },
};
