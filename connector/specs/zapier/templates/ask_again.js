// The answer is there: the same is asked again, for anybody could post to a callback address.
const response = await z.request({
  method: 'POST',
  url: `${bundle.authData.base_url}/v1__PATH__`,
  body: { ...__BODY__, wait: __WAIT__ },
  removeMissingValuesFrom: { body: true, params: true },
});
if (response.data.outcome === '__PENDING__') {
  throw new z.errors.Error(response.data.message, '__PENDING__', response.status);
}
return response.data;
