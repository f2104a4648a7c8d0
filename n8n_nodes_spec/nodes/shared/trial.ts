import type { IDataObject, IExecuteSingleFunctions, IHttpRequestOptions, INodeProperties } from 'n8n-workflow';

/** Whether somebody runs the node by hand, and has not chosen that this counts. */
export function isTrial(this: IExecuteSingleFunctions): boolean {
	return this.getMode() === 'manual' && this.getNodeParameter('when_tested', '') === 'check';
}

/** Asks the connector to check everything and to move nothing. */
async function asTrial(
	this: IExecuteSingleFunctions,
	request: IHttpRequestOptions,
): Promise<IHttpRequestOptions> {
	if (isTrial.call(this)) {
		request.body = { ...(request.body as IDataObject), test: true };
	}
	return request;
}

/** A field that nobody sees and that is not sent: it makes a run by hand a test run. */
export const trial: INodeProperties = {
	displayName: 'Trial',
	name: 'trial',
	type: 'hidden',
	default: '',
	routing: { send: { preSend: [asTrial] } },
};
