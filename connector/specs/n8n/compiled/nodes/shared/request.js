"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.escaped = escaped;
exports.addressOf = addressOf;
exports.toldBy = toldBy;
exports.ask = ask;
exports.get = get;
const n8n_workflow_1 = require("n8n-workflow");
const NOT_A_CONNECTOR = 'This address does not answer like a Paywalls Connector. Check the Connector Address in the credential';
function escaped(text) {
    const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
    return String(text !== null && text !== void 0 ? text : '').replace(/[&<>"]/g, (sign) => entities[sign]);
}
function addressOf(credentials) {
    const address = String(credentials.url).trim().replace(/\/+$/, '').replace(/(\/openai)?\/v1$/i, '');
    return address.replace(/^(?!https?:\/\/)/i, 'https://');
}
function toldBy(node, response, itemIndex) {
    const body = response.body;
    const message = typeof body === 'object' ? body === null || body === void 0 ? void 0 : body.message : undefined;
    const number = typeof body === 'object' ? body === null || body === void 0 ? void 0 : body.request_id : undefined;
    return new n8n_workflow_1.NodeApiError(node, (typeof body === 'object' ? body : {}), {
        message: typeof message === 'string' ? escaped(message) : NOT_A_CONNECTOR,
        description: number
            ? `The connector's operator finds this request under ${escaped(number)}.`
            : `It answered with status ${response.statusCode}.`,
        httpCode: String(response.statusCode),
        itemIndex,
    });
}
async function ask(method, path, values = {}) {
    const credentials = await this.getCredentials('paywallsApi');
    return (await this.helpers.httpRequestWithAuthentication.call(this, 'paywallsApi', {
        method,
        url: `${addressOf(credentials)}${path}`,
        ...(method === 'POST' ? { body: values } : { qs: values }),
        json: true,
        returnFullResponse: true,
        ignoreHttpStatusErrors: true,
    }));
}
async function get(path, values = {}) {
    const response = await ask.call(this, 'GET', path, values);
    if (response.statusCode >= 400 || !Array.isArray(response.body)) {
        throw toldBy(this.getNode(), response);
    }
    return response;
}
