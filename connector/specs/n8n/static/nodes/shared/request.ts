import {
	NodeApiError,
	type ICredentialDataDecryptedObject,
	type IDataObject,
	type IHookFunctions,
	type IHttpRequestMethods,
	type ILoadOptionsFunctions,
	type IN8nHttpFullResponse,
	type INode,
	type IPollFunctions,
	type JsonObject,
} from 'n8n-workflow';

const NOT_A_CONNECTOR =
	'This address does not answer like a Paywalls Connector. Check the Connector Address in the credential';

/** n8n shows messages as HTML. */
export function escaped(text: unknown): string {
	const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
	return String(text ?? '').replace(/[&<>"]/g, (sign) => entities[sign]);
}

/** The connector's address without a slash or the version at its end, and with https:// where that was left out. */
export function addressOf(credentials: ICredentialDataDecryptedObject): string {
	const address = String(credentials.url).trim().replace(/\/+$/, '').replace(/(\/openai)?\/v1$/i, '');
	return address.replace(/^(?!https?:\/\/)/i, 'https://');
}

/** What n8n shows for an answer of the connector that is not the one hoped for. */
export function toldBy(
	node: INode,
	response: IN8nHttpFullResponse,
	itemIndex?: number,
): NodeApiError {
	const body = response.body as JsonObject | undefined;
	const message = typeof body === 'object' ? body?.message : undefined;
	const number = typeof body === 'object' ? body?.request_id : undefined;
	return new NodeApiError(node, (typeof body === 'object' ? body : {}) as JsonObject, {
		message: typeof message === 'string' ? escaped(message) : NOT_A_CONNECTOR,
		description: number
			? `The connector's operator finds this request under ${escaped(number)}.`
			: `It answered with status ${response.statusCode}.`,
		httpCode: String(response.statusCode),
		itemIndex,
	});
}

/** Sends a request to the connector; gives its answer, whatever its status is. */
export async function ask(
	this: IHookFunctions | IPollFunctions | ILoadOptionsFunctions,
	method: IHttpRequestMethods,
	path: string,
	values: IDataObject = {},
): Promise<IN8nHttpFullResponse> {
	const credentials = await this.getCredentials('paywallsApi');
	return (await this.helpers.httpRequestWithAuthentication.call(this, 'paywallsApi', {
		method,
		url: `${addressOf(credentials)}${path}`,
		...(method === 'POST' ? { body: values } : { qs: values }),
		json: true,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
	})) as IN8nHttpFullResponse;
}

/** Like `ask`, for answers that must be good. */
export async function get(
	this: IPollFunctions | ILoadOptionsFunctions,
	path: string,
	values: IDataObject = {},
): Promise<IN8nHttpFullResponse & { body: IDataObject[] }> {
	const response = await ask.call(this, 'GET', path, values);
	if (response.statusCode >= 400 || !Array.isArray(response.body)) {
		throw toldBy(this.getNode(), response);
	}
	return response as IN8nHttpFullResponse & { body: IDataObject[] };
}
