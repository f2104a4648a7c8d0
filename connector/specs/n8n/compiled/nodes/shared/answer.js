"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.answer = void 0;
const n8n_workflow_1 = require("n8n-workflow");
const request_1 = require("./request");
const GO_ON = 'To go on instead of stopping here, set “On Refusal” to “Continue”.';
async function read(items, response) {
    const body = response.body;
    const itemIndex = this.getItemIndex();
    if (response.statusCode >= 400 || typeof body !== 'object' || body === null) {
        throw (0, request_1.toldBy)(this.getNode(), response, itemIndex);
    }
    if (Array.isArray(body)) {
        return body.map((json) => ({ json, pairedItem: { item: itemIndex } }));
    }
    const onRefusal = this.getNodeParameter('on_refusal', '');
    if (body.success === false && onRefusal !== 'continue') {
        const link = body.action_url ? `The user's link: ${body.action_url}` : '';
        throw new n8n_workflow_1.NodeApiError(this.getNode(), body, {
            message: body.message,
            description: [onRefusal ? GO_ON : '', link].filter(Boolean).join(' '),
            httpCode: String(response.statusCode),
            itemIndex,
        });
    }
    return items;
}
exports.answer = {
    displayName: 'Answer',
    name: 'answer',
    type: 'hidden',
    default: '',
    routing: { output: { postReceive: [read] } },
};
