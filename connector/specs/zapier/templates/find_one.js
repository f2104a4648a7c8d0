const body = {};
for (const name of __FIELDS__) {
  body[name] = bundle.inputData[name];
}
const response = await z.request({
  method: 'POST',
  url: `${bundle.authData.base_url}/v1__PATH__`,
  body,
  removeMissingValuesFrom: { body: true, params: true },
});
return [response.data];
