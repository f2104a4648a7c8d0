"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.paywallOf = paywallOf;
exports.latest = latest;
exports.newest = newest;
exports.since = since;
const request_1 = require("./request");
const PAGE = 100;
const PAGES = 10;
async function paywallOf() {
    var _a;
    const response = await request_1.ask.call(this, 'GET', '/v1/me');
    const body = response.body;
    if (response.statusCode >= 400 || typeof body !== 'object') {
        throw (0, request_1.toldBy)(this.getNode(), response);
    }
    return String((_a = body.paywall_id) !== null && _a !== void 0 ? _a : '');
}
async function latest() {
    const { body } = await request_1.get.call(this, '/v1/triggers/any_event', { limit: 1 });
    return body.length ? body[0].seq : 0;
}
async function newest(event, user) {
    const { body } = await request_1.get.call(this, `/v1/triggers/${event}`, { limit: 1, user });
    if (body.length)
        return body;
    const { body: triggers } = await request_1.get.call(this, '/v1/triggers');
    return triggers.filter(({ key }) => key === event).map(({ sample }) => sample);
}
async function since(event, user, cursor) {
    const events = [];
    for (let page = 0; page < PAGES; page++) {
        const values = { after: cursor, limit: PAGE, user };
        const response = await request_1.ask.call(this, 'GET', `/v1/triggers/${event}`, values);
        const body = response.body;
        if (response.statusCode === 410) {
            cursor = 0;
            continue;
        }
        if (response.statusCode === 422 && body.field === 'after') {
            return { events, cursor: await latest.call(this) };
        }
        if (response.statusCode >= 400 || !Array.isArray(body)) {
            throw (0, request_1.toldBy)(this.getNode(), response);
        }
        events.push(...body);
        cursor = Number(response.headers['x-next-cursor']);
        if (body.length < PAGE)
            break;
    }
    return { events, cursor };
}
