// Turns every refusal and every failure into one sentence that says what to do.
const refusals = __REFUSALS__;
const longest = 250;
const fail = (error) => {
  error.doNotContextify = true;
  throw error;
};
const said = response.data && typeof response.data === 'object' ? response.data : {};
const link = typeof said.action_url === 'string' ? said.action_url : '';
const words = typeof said.message === 'string' ? said.message : '';
const whole = !words || words.includes(link) ? words : `${words} ${link}`;
const cut = `${whole.replace(link, '').trim().slice(0, Math.max(0, longest - 3 - link.length)).trim()}… ${link}`;
const sentence = link && whole.length > longest ? cut : whole;

if (response.status < 400) {
  if (response.data === undefined) {
    fail(new z.errors.Error('What answers at this address is not a Paywalls Connector. Check the address in the connection.', 'not_a_connector', response.status));
  }
  if (said.success === false && (bundle.inputData || {}).on_refusal !== 'continue') {
    if (refusals.includes(said.outcome)) {
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
