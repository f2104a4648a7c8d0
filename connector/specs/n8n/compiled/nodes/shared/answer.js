"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.answer = void 0;
const n8n_workflow_1 = require("n8n-workflow");
const refusals_json_1 = __importDefault(require("./refusals.json"));
const request_1 = require("./request");
const trial_1 = require("./trial");
function linked(url) {
    if (!url)
        return '';
    return `${refusals_json_1.default.link} <a href="${(0, request_1.escaped)(url)}" target="_blank">${(0, request_1.escaped)(url)}</a>.`;
}
function told(body) {
    const sentences = refusals_json_1.default.sentences;
    const sentence = sentences[body.outcome];
    if (!sentence)
        return (0, request_1.escaped)(body.message);
    const values = {
        user: this.getNodeParameter('user', ''),
        what: body.amount || refusals_json_1.default.answer,
        message: body.message,
    };
    return (0, request_1.escaped)(sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name])));
}
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
    const calm = refusals_json_1.default.goesOnWith.includes(body.outcome) || trial_1.isTrial.call(this);
    const goesOn = onRefusal === 'continue' || calm;
    if (body.success === false && !goesOn) {
        throw new n8n_workflow_1.NodeApiError(this.getNode(), body, {
            message: told.call(this, body),
            description: [linked(body.action_url), onRefusal ? refusals_json_1.default.goOn : ''].filter(Boolean).join(' '),
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
