import type { IDataObject, IHookFunctions } from 'n8n-workflow';
import { ask, toldBy } from './request';

/** What is kept of a hook: its ID, and the secret that is told only when it is made. */
export interface Subscription extends IDataObject {
	hookId?: string;
	secret?: string;
}

function wanted(this: IHookFunctions): IDataObject {
	return {
		target_url: this.getNodeWebhookUrl('default') as string,
		trigger: this.getNodeParameter('event') as string,
		user: this.getNodeParameter('user', '') as string,
	};
}

/** Whether the connector still sends to this node what it is set to, and the secret is known. */
export async function isSubscribed(this: IHookFunctions): Promise<boolean> {
	const kept = this.getWorkflowStaticData('node') as Subscription;
	if (!kept.hookId || !kept.secret) return false;
	const response = await ask.call(this, 'GET', `/v1/hooks/${kept.hookId}`);
	if (response.statusCode === 404) return false;
	if (response.statusCode >= 400) throw toldBy(this.getNode(), response);
	const hook = response.body as IDataObject;
	const same = Object.entries(wanted.call(this)).every(([name, value]) => hook[name] === value);
	return same && hook.state === 'active';
}

/** Makes the hook, anew if it is there but its secret is not known any more. */
export async function subscribe(this: IHookFunctions): Promise<boolean> {
	const kept = this.getWorkflowStaticData('node') as Subscription;
	const test = this.getMode() === 'manual' && this.getNodeParameter('sample', true) === true;
	const values = { ...wanted.call(this), ...(test ? { test } : {}) };
	let hook = await made.call(this, values);
	if (!hook.secret) {
		await ask.call(this, 'DELETE', `/v1/hooks/${hook.id as string}`);
		hook = await made.call(this, values);
	}
	kept.hookId = hook.id as string;
	kept.secret = hook.secret as string;
	return true;
}

/** Ends the hook; one that is gone already is fine. */
export async function unsubscribe(this: IHookFunctions): Promise<boolean> {
	const kept = this.getWorkflowStaticData('node') as Subscription;
	if (kept.hookId) {
		const response = await ask.call(this, 'DELETE', `/v1/hooks/${kept.hookId}`);
		if (response.statusCode >= 400) throw toldBy(this.getNode(), response);
	}
	delete kept.hookId;
	delete kept.secret;
	return true;
}

async function made(this: IHookFunctions, values: IDataObject): Promise<IDataObject> {
	const response = await ask.call(this, 'POST', '/v1/hooks', values);
	const hook = response.body as IDataObject;
	if (response.statusCode >= 400 || !hook?.id) throw toldBy(this.getNode(), response);
	return hook;
}
