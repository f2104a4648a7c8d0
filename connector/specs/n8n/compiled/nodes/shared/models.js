"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.listModels = listModels;
const request_1 = require("./request");
async function listModels(filter) {
    const { body } = await request_1.get.call(this, '/v1/models', filter ? { search: filter } : {});
    return {
        results: body.map((model) => ({
            name: model.name,
            value: model.id,
            description: model.description,
        })),
    };
}
