import type { IDataObject, IPollFunctions } from 'n8n-workflow';
import { ask, get, toldBy } from './request';

const PAGE = 100;
const PAGES = 10;

/** How far the events were read; kept between polls. */
export interface Cursor extends IDataObject {
	cursor?: number;
	/** Whose events they are: another paywall counts its own from 1. */
	paywall?: string;
}

/** The ID of the paywall that the credential belongs to; empty while the connector does not know it. */
export async function paywallOf(this: IPollFunctions): Promise<string> {
	const response = await ask.call(this, 'GET', '/v1/me');
	const body = response.body as IDataObject | undefined;
	if (response.statusCode >= 400 || typeof body !== 'object') {
		throw toldBy(this.getNode(), response);
	}
	return String(body.paywall_id ?? '');
}

/** The number of the newest event of the paywall, 0 if there is none. */
export async function latest(this: IPollFunctions): Promise<number> {
	const { body } = await get.call(this, '/v1/triggers/any_event', { limit: 1 });
	return body.length ? (body[0].seq as number) : 0;
}

/** The newest event; a made-up one where nothing has happened yet, for building a flow. */
export async function newest(
	this: IPollFunctions,
	event: string,
	user: string,
): Promise<IDataObject[]> {
	const { body } = await get.call(this, `/v1/triggers/${event}`, { limit: 1, user });
	if (body.length) return body;
	const { body: triggers } = await get.call(this, '/v1/triggers');
	return triggers.filter(({ key }) => key === event).map(({ sample }) => sample as IDataObject);
}

/** The events behind `cursor`, the oldest first, and the cursor for the next time. */
export async function since(
	this: IPollFunctions,
	event: string,
	user: string,
	cursor: number,
): Promise<{ events: IDataObject[]; cursor: number }> {
	const events: IDataObject[] = [];
	for (let page = 0; page < PAGES; page++) {
		const values = { after: cursor, limit: PAGE, user };
		const response = await ask.call(this, 'GET', `/v1/triggers/${event}`, values);
		const body = response.body as IDataObject | IDataObject[];
		if (response.statusCode === 410) {
			// What is behind this cursor was removed: 0 goes on with the oldest event that is kept.
			cursor = 0;
			continue;
		}
		if (response.statusCode === 422 && (body as IDataObject).field === 'after') {
			// Another paywall, or a connector that was set up anew: its numbers begin again.
			return { events, cursor: await latest.call(this) };
		}
		if (response.statusCode >= 400 || !Array.isArray(body)) {
			throw toldBy(this.getNode(), response);
		}
		events.push(...body);
		cursor = Number(response.headers['x-next-cursor']);
		if (body.length < PAGE) break;
	}
	return { events, cursor };
}
