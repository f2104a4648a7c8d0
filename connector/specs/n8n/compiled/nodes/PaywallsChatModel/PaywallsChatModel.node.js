"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.PaywallsChatModel = void 0;
const ai_node_sdk_1 = require("@n8n/ai-node-sdk");
const n8n_workflow_1 = require("n8n-workflow");
const models_1 = require("../shared/models");
const request_1 = require("../shared/request");
const description_json_1 = __importDefault(require("./description.json"));
class PaywallsChatModel {
    constructor() {
        this.description = {
            ...description_json_1.default,
            icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
            subtitle: '={{ $parameter["model"].value }}',
            inputs: [],
            outputs: [n8n_workflow_1.NodeConnectionTypes.AiLanguageModel],
        };
        this.methods = { listSearch: { listModels: models_1.listModels } };
    }
    async supplyData(itemIndex) {
        var _a;
        const credentials = await this.getCredentials('paywallsApi');
        const user = String((_a = this.getNodeParameter('user', itemIndex, '')) !== null && _a !== void 0 ? _a : '').trim();
        if (!user) {
            throw new n8n_workflow_1.NodeOperationError(this.getNode(), 'Fill in “User ID”: the ID that your app uses for the person who pays', { itemIndex });
        }
        const payers = this.getInputData(0, n8n_workflow_1.NodeConnectionTypes.Main).map((_, index) => { var _a; return String((_a = this.getNodeParameter('user', index, '')) !== null && _a !== void 0 ? _a : '').trim(); });
        if (payers.some((payer) => payer !== user)) {
            throw new n8n_workflow_1.NodeOperationError(this.getNode(), 'The items are of several people, and one of them would pay for all. Put “Loop Over Items” with a batch size of 1 before this step', { itemIndex });
        }
        const options = this.getNodeParameter('options', itemIndex, {});
        return (0, ai_node_sdk_1.supplyModel)(this, {
            type: 'openai',
            baseUrl: `${(0, request_1.addressOf)(credentials)}/openai/v1`,
            apiKey: credentials.apiKey,
            model: this.getNodeParameter('model', itemIndex, '', { extractValue: true }),
            temperature: options.temperature,
            maxTokens: options.max_tokens,
            useResponsesApi: false,
            maxRetries: 0,
            additionalParams: { user },
        });
    }
}
exports.PaywallsChatModel = PaywallsChatModel;
