import { supplyModel } from '@n8n/ai-node-sdk';
import {
	NodeConnectionTypes,
	NodeOperationError,
	type INodeType,
	type INodeTypeDescription,
	type ISupplyDataFunctions,
	type SupplyData,
} from 'n8n-workflow';
import { listModels } from '../shared/models';
import { addressOf } from '../shared/request';
import description from './description.json';

export class PaywallsChatModel implements INodeType {
	description: INodeTypeDescription = {
		...(description as unknown as INodeTypeDescription),
		icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
		subtitle: '={{ $parameter["model"].value }}',
		inputs: [],
		outputs: [NodeConnectionTypes.AiLanguageModel],
	};

	methods = { listSearch: { listModels } };

	async supplyData(this: ISupplyDataFunctions, itemIndex: number): Promise<SupplyData> {
		const credentials = await this.getCredentials('paywallsApi');
		const user = String(this.getNodeParameter('user', itemIndex, '') ?? '').trim();
		if (!user) {
			throw new NodeOperationError(
				this.getNode(),
				'Fill in “User ID”: the ID that your app uses for the person who pays',
				{ itemIndex },
			);
		}
		const payers = this.getInputData(0, NodeConnectionTypes.Main).map((_, index) =>
			String(this.getNodeParameter('user', index, '') ?? '').trim(),
		);
		if (payers.some((payer) => payer !== user)) {
			// n8n asks for the model once, so that the first person would pay for all answers.
			throw new NodeOperationError(
				this.getNode(),
				'The items are of several people, and one of them would pay for all. Put “Loop Over Items” with a batch size of 1 before this step',
				{ itemIndex },
			);
		}
		const options = this.getNodeParameter('options', itemIndex, {}) as {
			temperature?: number;
			max_tokens?: number;
		};
		return supplyModel(this, {
			type: 'openai',
			baseUrl: `${addressOf(credentials)}/openai/v1`,
			apiKey: credentials.apiKey as string,
			model: this.getNodeParameter('model', itemIndex, '', { extractValue: true }) as string,
			temperature: options.temperature,
			maxTokens: options.max_tokens,
			useResponsesApi: false,
			// An answer that was sent twice would be paid for twice.
			maxRetries: 0,
			additionalParams: { user },
		});
	}
}
