"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.PaywallsApi = void 0;
const connector_json_1 = __importDefault(require("./connector.json"));
const WRONG_ADDRESS = 'There is no Paywalls Connector at this address. Check the Connector Address.';
class PaywallsApi {
    constructor() {
        this.name = 'paywallsApi';
        this.displayName = 'Paywalls API';
        this.icon = { light: 'file:../icons/paywalls.svg', dark: 'file:../icons/paywalls.dark.svg' };
        this.documentationUrl = 'https://github.com/paywalls-connector/paywalls-connector/blob/main/docs/n8n.md';
        this.properties = [
            {
                displayName: 'API Key',
                name: 'apiKey',
                type: 'string',
                typeOptions: { password: true },
                required: true,
                default: '',
                placeholder: 'e.g. sk-paywalls-…',
                description: 'The secret key of your paywall, from the Paywalls dashboard, or a connector token (pwc_…), which may do less',
            },
            {
                displayName: 'Connector Address',
                name: 'url',
                type: 'string',
                required: true,
                default: connector_json_1.default.url,
                placeholder: 'e.g. https://connector.example.com',
                description: 'Where your Paywalls Connector runs',
            },
        ];
        this.authenticate = {
            type: 'generic',
            properties: { headers: { Authorization: '=Bearer {{$credentials.apiKey}}' } },
        };
        this.test = {
            request: { baseURL: connector_json_1.default.baseURL, url: '/v1/me' },
            rules: [
                {
                    type: 'responseCode',
                    properties: {
                        value: 401,
                        message: 'The API key was not accepted. Copy the secret key anew from the Paywalls dashboard.',
                    },
                },
                {
                    type: 'responseCode',
                    properties: {
                        value: 403,
                        message: 'This token is paused. Use the new key of the paywall with the connector once, then test again.',
                    },
                },
                { type: 'responseCode', properties: { value: 404, message: WRONG_ADDRESS } },
            ],
        };
    }
}
exports.PaywallsApi = PaywallsApi;
