"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.isSigned = isSigned;
const crypto_1 = require("crypto");
const TOLERATED_SECONDS = 5 * 60;
function isSigned(secret, headers, body) {
    const id = String(headers['webhook-id']);
    const timestamp = String(headers['webhook-timestamp']);
    const age = Math.abs(Date.now() / 1000 - Number(timestamp));
    if (!(age <= TOLERATED_SECONDS))
        return false;
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const expected = (0, crypto_1.createHmac)('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
    return String(headers['webhook-signature'])
        .split(' ')
        .filter((signature) => signature.startsWith('v1,'))
        .map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'))
        .some((given) => given.length === expected.length && (0, crypto_1.timingSafeEqual)(given, expected));
}
