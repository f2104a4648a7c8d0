const wanted = [].concat(bundle.inputData.types || []);
const keys = wanted.map((type) => type.replace(/^paywall\./, '').replace(/\./g, '_'));
const lists = await Promise.all((keys.length ? keys : ['__ANY__']).map((key) => z.request({
  url: `${bundle.authData.base_url}/v1/triggers/${encodeURIComponent(key)}`,
  params: { user: bundle.inputData.user },
  removeMissingValuesFrom: { body: true, params: true },
})));
return lists.flatMap((response) => response.data).sort((a, b) => b.seq - a.seq).slice(0, 100);
