"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.PaywallsPollingTrigger = void 0;
const n8n_workflow_1 = require("n8n-workflow");
const events_1 = require("../shared/events");
const description_json_1 = __importDefault(require("./description.json"));
class PaywallsPollingTrigger {
    constructor() {
        this.description = {
            ...description_json_1.default,
            icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
            subtitle: '={{ $parameter["event"] }}',
            inputs: [],
            outputs: [n8n_workflow_1.NodeConnectionTypes.Main],
        };
    }
    async poll() {
        const event = this.getNodeParameter('event');
        const user = this.getNodeParameter('user', '');
        if (this.getMode() === 'manual') {
            return [this.helpers.returnJsonArray(await events_1.newest.call(this, event, user))];
        }
        const kept = this.getWorkflowStaticData('node');
        if (kept.cursor === undefined) {
            kept.cursor = await events_1.latest.call(this);
            return null;
        }
        const { events, cursor } = await events_1.since.call(this, event, user, kept.cursor);
        kept.cursor = cursor;
        return events.length ? [this.helpers.returnJsonArray(events)] : null;
    }
}
exports.PaywallsPollingTrigger = PaywallsPollingTrigger;
