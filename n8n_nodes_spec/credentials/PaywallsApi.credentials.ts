import type {
	IAuthenticateGeneric,
	ICredentialTestRequest,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';
import connector from './connector.json';

const WRONG_ADDRESS = 'There is no Paywalls Connector at this address. Check the Connector Address.';

export class PaywallsApi implements ICredentialType {
	name = 'paywallsApi';

	displayName = 'Paywalls API';

	icon: Icon = { light: 'file:../icons/paywalls.svg', dark: 'file:../icons/paywalls.dark.svg' };

	documentationUrl = 'https://github.com/paywalls-connector/paywalls-connector/blob/main/docs/n8n.md';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			required: true,
			default: '',
			placeholder: 'e.g. sk-paywalls-…',
			description:
				'The secret key of your paywall, from the Paywalls dashboard, or a connector token (pwc_…), which may do less',
		},
		{
			displayName: 'Connector Address',
			name: 'url',
			type: 'string',
			required: true,
			default: connector.url,
			placeholder: 'e.g. https://connector.example.com',
			description: 'Where your Paywalls Connector runs',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: { headers: { Authorization: '=Bearer {{$credentials.apiKey}}' } },
	};

	test: ICredentialTestRequest = {
		request: { baseURL: connector.baseURL, url: '/v1/me' },
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
					message:
						'This token is paused. Use the new key of the paywall with the connector once, then test again.',
				},
			},
			{ type: 'responseCode', properties: { value: 404, message: WRONG_ADDRESS } },
		],
	};
}
