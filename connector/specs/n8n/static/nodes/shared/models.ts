import type { ILoadOptionsFunctions, INodeListSearchResult } from 'n8n-workflow';
import { get } from './request';

/** The models to choose from, those whose name holds `filter`. */
export async function listModels(
	this: ILoadOptionsFunctions,
	filter?: string,
): Promise<INodeListSearchResult> {
	const { body } = await get.call(this, '/v1/models', filter ? { search: filter } : {});
	return {
		results: body.map((model) => ({
			name: model.name as string,
			value: model.id as string,
			description: model.description as string,
		})),
	};
}
