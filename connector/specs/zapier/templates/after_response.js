// Turns every refusal and every failure into one sentence that says what to do.
const refused = __REFUSED__; // what is told to the builder; the connector's message is for the user
const longest = 250;
const fail = (error) => {
  error.doNotContextify = true;
  throw error;
};
const said = response.data && typeof response.data === 'object' ? response.data : {};
const link = typeof said.action_url === 'string' ? said.action_url : '';
const asked = bundle.inputData || {};
const values = { user: asked.user, what: said.amount || asked.amount || '__ANSWER__', message: said.message };
const told = (refused[said.outcome] || '').replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
const refusal = response.status < 400 && said.success === false && told;
const words = refusal ? (link ? `${told}. __LINK_WORDS__` : `${told.replace(/\.$/, '')}.`) : typeof said.message === 'string' ? said.message : '';
const whole = !words || words.includes(link) ? words : `${words} ${link}`;
const cut = `${whole.replace(link, '').trim().slice(0, Math.max(0, longest - 3 - link.length)).trim()}… ${link}`;
const sentence = link && whole.length > longest ? cut : whole;

if (response.status < 400) {
  if (response.data === undefined) {
    fail(new z.errors.Error('What answers at this address is not a Paywalls Connector. Check the address in the connection.', 'not_a_connector', response.status));
  }
  const sent = response.request.body;
  if (typeof sent === 'string' && sent.startsWith('{') && JSON.parse(sent).test === true) {
    return response; // a test run moves nothing, so it stops nothing
  }
  if (said.success === false && asked.on_refusal !== 'continue' && !__GOES_ON__.includes(said.outcome)) {
    if (refusal) {
      fail(new z.errors.HaltedError(sentence));
    }
    fail(new z.errors.Error(sentence, said.outcome, response.status));
  }
  return response;
}

const message = sentence || `The connector did not answer as it should (status ${response.status}). Check its address in the connection, or try again in a few minutes.`;
const seconds = parseInt(response.headers.get('retry-after'), 10);
switch (response.status) {
  case 401:
    fail(new z.errors.ExpiredAuthError(message));
  case 402:
    fail(new z.errors.HaltedError(message));
  case 409: // the same reference is still being worked on: asking again later gives its result
  case 429:
    fail(new z.errors.ThrottledError(message, Number.isNaN(seconds) ? null : seconds));
}
fail(new z.errors.Error(message, said.code || 'failed', response.status));
return response;
