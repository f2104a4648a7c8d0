// Asks, and waits as long as a step may; what takes longer, Zapier is told at its callback address.
const ask = async (more) => {
  const response = await z.request({
    method: 'POST',
    url: `${bundle.authData.base_url}/v1__PATH__`,
    body: { ...__BODY__, ...more },
    removeMissingValuesFrom: { body: true, params: true },
  });
  return response.data;
};
if (!bundle.inputData['__PROMPT__']) {
  throw new z.errors.Error('Fill in “__PROMPT__”: the step before gave no value for it.', 'invalid_field', 422);
}
if (!bundle.inputData['reference']) {
  return ask({}); // without one, asking a second time would be a second question
}
const answer = await ask({ wait: __WAIT__ });
if (answer.outcome !== '__PENDING__' || (bundle.meta && bundle.meta.isLoadingSample)) {
  return answer;
}
return ask({ callback_url: z.generateCallbackUrl() });
