"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.trial = void 0;
exports.isTrial = isTrial;
function isTrial() {
    return this.getMode() === 'manual' && this.getNodeParameter('when_tested', '') === 'check';
}
async function asTrial(request) {
    if (isTrial.call(this)) {
        request.body = { ...request.body, test: true };
    }
    return request;
}
exports.trial = {
    displayName: 'Trial',
    name: 'trial',
    type: 'hidden',
    default: '',
    routing: { send: { preSend: [asTrial] } },
};
