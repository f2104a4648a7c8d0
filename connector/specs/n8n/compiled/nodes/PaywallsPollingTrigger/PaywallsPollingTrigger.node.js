"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.PaywallsPollingTrigger = void 0;
const n8n_workflow_1 = require("n8n-workflow");
const events_1 = require("../shared/events");
const description_json_1 = __importDefault(require("./description.json"));
const runWithoutEvents = () => [[]];
class PaywallsPollingTrigger {
    constructor() {
        this.description = {
            ...description_json_1.default,
            icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
            subtitle: description_json_1.default.subtitle,
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
        const paywall = await events_1.paywallOf.call(this);
        const other = Boolean(paywall && kept.paywall && paywall !== kept.paywall);
        if (paywall)
            kept.paywall = paywall;
        if (kept.cursor === undefined) {
            kept.cursor = await events_1.latest.call(this);
            return null;
        }
        if (other) {
            kept.cursor = await events_1.latest.call(this);
            return runWithoutEvents();
        }
        const { events, cursor } = await events_1.since.call(this, event, user, kept.cursor);
        const anew = cursor < kept.cursor;
        kept.cursor = cursor;
        if (events.length)
            return [this.helpers.returnJsonArray(events)];
        return anew ? runWithoutEvents() : null;
    }
}
exports.PaywallsPollingTrigger = PaywallsPollingTrigger;
