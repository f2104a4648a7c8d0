"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.Paywalls = void 0;
const n8n_workflow_1 = require("n8n-workflow");
const answer_1 = require("../shared/answer");
const models_1 = require("../shared/models");
const trial_1 = require("../shared/trial");
const waits_1 = require("../shared/waits");
const description_json_1 = __importDefault(require("./description.json"));
class Paywalls {
    constructor() {
        this.description = {
            ...description_json_1.default,
            icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
            subtitle: description_json_1.default.subtitle,
            usableAsTool: true,
            inputs: [n8n_workflow_1.NodeConnectionTypes.Main],
            outputs: [n8n_workflow_1.NodeConnectionTypes.Main],
            properties: [...description_json_1.default.properties, trial_1.trial, waits_1.waits, answer_1.answer],
        };
        this.methods = { listSearch: { listModels: models_1.listModels } };
    }
}
exports.Paywalls = Paywalls;
