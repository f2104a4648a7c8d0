"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.PaywallsTrigger = void 0;
const n8n_workflow_1 = require("n8n-workflow");
const hook_1 = require("../shared/hook");
const signature_1 = require("../shared/signature");
const description_json_1 = __importDefault(require("./description.json"));
class PaywallsTrigger {
    constructor() {
        this.description = {
            ...description_json_1.default,
            icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
            subtitle: description_json_1.default.subtitle,
            inputs: [],
            outputs: [n8n_workflow_1.NodeConnectionTypes.Main],
        };
        this.webhookMethods = {
            default: {
                async checkExists() {
                    return await hook_1.isSubscribed.call(this);
                },
                async create() {
                    return await hook_1.subscribe.call(this);
                },
                async delete() {
                    return await hook_1.unsubscribe.call(this);
                },
            },
        };
    }
    async webhook() {
        const { secret } = this.getWorkflowStaticData('node');
        const { rawBody } = this.getRequestObject();
        if (!secret || !(0, signature_1.isSigned)(secret, this.getHeaderData(), rawBody)) {
            this.getResponseObject().status(401).send('This does not carry the signature of the connector.');
            return { noWebhookResponse: true };
        }
        return { workflowData: [this.helpers.returnJsonArray(this.getBodyData())] };
    }
}
exports.PaywallsTrigger = PaywallsTrigger;
