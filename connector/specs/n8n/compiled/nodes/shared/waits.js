"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.waits = void 0;
const n8n_workflow_1 = require("n8n-workflow");
const request_1 = require("./request");
const waits_json_1 = __importDefault(require("./waits.json"));
const giveUp = waits_json_1.default.giveUpAfter;
const PAUSE_MS = 5000;
const CROWDED = '429';
const PASSING = ['502', '503', '504', '524'];
function passes(error, asked) {
    var _a;
    if (!(error instanceof n8n_workflow_1.NodeApiError))
        return false;
    const status = (_a = error.httpCode) !== null && _a !== void 0 ? _a : '';
    return status === CROWDED || (asked && (PASSING.includes(status) || !/^[1-5]\d\d$/.test(status)));
}
async function untilAnswered(request) {
    var _a;
    const body = request.options.body;
    if (!body.reference || body.callback_url)
        return await this.makeRoutingRequest(request);
    const perCall = Number(this.getNodeParameter(waits_json_1.default.field.name, waits_json_1.default.field.default));
    const minutes = Number(this.getNodeParameter(giveUp.path, giveUp.minutes));
    const end = Date.now() + minutes * 60000;
    const cancelled = this.getExecutionCancelSignal();
    let asked = false;
    for (;;) {
        const wait = Math.min(perCall, Math.max(0, Math.ceil((end - Date.now()) / 1000)));
        const options = { ...request.options, body: { ...body, wait } };
        try {
            const items = await this.makeRoutingRequest({ ...request, options });
            if (((_a = items[0]) === null || _a === void 0 ? void 0 : _a.json.outcome) !== waits_json_1.default.pending)
                return items;
            asked = true;
            if (Date.now() >= end)
                break;
        }
        catch (error) {
            if ((cancelled === null || cancelled === void 0 ? void 0 : cancelled.aborted) || Date.now() >= end || !passes(error, asked)) {
                throw new n8n_workflow_1.NodeApiError(this.getNode(), error);
            }
            await (0, n8n_workflow_1.sleep)(PAUSE_MS);
        }
        if (cancelled === null || cancelled === void 0 ? void 0 : cancelled.aborted)
            break;
    }
    throw new n8n_workflow_1.NodeOperationError(this.getNode(), `The answer was not there after ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`, {
        description: `It may still come, and is paid for only once. To get it, send the same again with this reference: ${(0, request_1.escaped)(body.reference)}. “${giveUp.label}” sets how long this step waits.`,
        itemIndex: this.getItemIndex(),
    });
}
exports.waits = {
    ...waits_json_1.default.field,
    routing: { send: { paginate: true }, operations: { pagination: untilAnswered } },
};
