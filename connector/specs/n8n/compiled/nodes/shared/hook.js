"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.isSubscribed = isSubscribed;
exports.subscribe = subscribe;
exports.unsubscribe = unsubscribe;
const request_1 = require("./request");
function wanted() {
    return {
        target_url: this.getNodeWebhookUrl('default'),
        trigger: this.getNodeParameter('event'),
        user: this.getNodeParameter('user', ''),
    };
}
async function isSubscribed() {
    const kept = this.getWorkflowStaticData('node');
    if (!kept.hookId || !kept.secret)
        return false;
    const response = await request_1.ask.call(this, 'GET', `/v1/hooks/${kept.hookId}`);
    if (response.statusCode === 404)
        return false;
    if (response.statusCode >= 400)
        throw (0, request_1.toldBy)(this.getNode(), response);
    const hook = response.body;
    const same = Object.entries(wanted.call(this)).every(([name, value]) => hook[name] === value);
    return same && hook.state === 'active';
}
async function subscribe() {
    const kept = this.getWorkflowStaticData('node');
    const test = this.getMode() === 'manual' && this.getNodeParameter('sample', true) === true;
    const values = { ...wanted.call(this), ...(test ? { test } : {}) };
    let hook = await made.call(this, values);
    if (!hook.secret) {
        await request_1.ask.call(this, 'DELETE', `/v1/hooks/${hook.id}`);
        hook = await made.call(this, values);
    }
    kept.hookId = hook.id;
    kept.secret = hook.secret;
    return true;
}
async function unsubscribe() {
    const kept = this.getWorkflowStaticData('node');
    if (kept.hookId) {
        const response = await request_1.ask.call(this, 'DELETE', `/v1/hooks/${kept.hookId}`);
        if (response.statusCode >= 400)
            throw (0, request_1.toldBy)(this.getNode(), response);
    }
    delete kept.hookId;
    delete kept.secret;
    return true;
}
async function made(values) {
    const response = await request_1.ask.call(this, 'POST', '/v1/hooks', values);
    const hook = response.body;
    if (response.statusCode >= 400 || !(hook === null || hook === void 0 ? void 0 : hook.id))
        throw (0, request_1.toldBy)(this.getNode(), response);
    return hook;
}
