// Puts the connector's address right, and keeps text in which somebody wrote {{…}} as it is.
const typed = request.url.replace(/\s/g, '');
const address = /^https?:\/\//i.test(typed) ? typed : `https://${typed}`;
let host;
try {
  host = new URL(address).hostname;
} catch (_) {
  throw new z.errors.Error('The address of the connector cannot be read. Write it like https://connector.example.com.', 'invalid_address', 400);
}
if (/^http:/i.test(address) && !['127.0.0.1', 'localhost', '[::1]'].includes(host)) {
  throw new z.errors.Error('Write the address of the connector with https://, so that your key stays secret on its way.', 'insecure_address', 400);
}
request.url = address.replace(/(?:\/+v1)?\/+v1\//, '/v1/');
if (typeof request.body === 'string') {
  const given = bundle.inputData || {};
  const missing = /\{\{bundle\.inputData\.(\w+)\}\}/.exec(request.body);
  if (missing && (given[missing[1]] === undefined || given[missing[1]] === null)) {
    throw new z.errors.Error(`Fill in “${missing[1]}”: the step before gave no value for it.`, 'invalid_field', 422);
  }
  const body = JSON.parse(request.body);
  if (bundle.meta && bundle.meta.isLoadingSample && given.__WHEN_TESTED__ !== '__COUNT__' && __TESTABLE__.some((path) => request.url.endsWith(path))) {
    body.test = true; // somebody tries the step in the editor
  }
  for (const name of Object.keys(body)) {
    if (typeof body[name] === 'string' && typeof given[name] === 'string') {
      body[name] = given[name];
    }
  }
  request.body = JSON.stringify(body);
}
return request;
