import {
	NodeConnectionTypes,
	type INodeProperties,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { answer } from '../shared/answer';
import { listModels } from '../shared/models';
import { trial } from '../shared/trial';
import { waits } from '../shared/waits';
import description from './description.json';

export class Paywalls implements INodeType {
	description: INodeTypeDescription = {
		...(description as unknown as INodeTypeDescription),
		icon: { light: 'file:../../icons/paywalls.svg', dark: 'file:../../icons/paywalls.dark.svg' },
		subtitle: description.subtitle,
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		properties: [...(description.properties as INodeProperties[]), trial, waits, answer],
	};

	methods = { listSearch: { listModels } };
}
