import { createHmac, timingSafeEqual } from 'crypto';
import type { IDataObject } from 'n8n-workflow';

const TOLERATED_SECONDS = 5 * 60;

/**
 * Whether a push carries a signature of `secret` (whsec_…) that was made just now.
 * Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function isSigned(secret: string, headers: IDataObject, body: Buffer): boolean {
	const id = String(headers['webhook-id']);
	const timestamp = String(headers['webhook-timestamp']);
	const age = Math.abs(Date.now() / 1000 - Number(timestamp));
	if (!(age <= TOLERATED_SECONDS)) return false;
	const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
	const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
	return String(headers['webhook-signature'])
		.split(' ')
		.filter((signature) => signature.startsWith('v1,'))
		.map((signature) => Buffer.from(signature.slice('v1,'.length), 'base64'))
		.some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}
