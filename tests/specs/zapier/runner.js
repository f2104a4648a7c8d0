// Runs methods of Zapier apps on zapier-platform-core, as Zapier's own machines do.
// In, one JSON line each: {app, method, bundle, callback_url}, or {app, command: "validate"}, or {version: true}.
// Out, one JSON line each: {results, status} or {error: {name, message}}.
const readline = require('readline');

console.log = console.error; // what is printed here is answers only
const core = require(require.resolve('zapier-platform-core', { paths: [process.argv[2]] }));
const handlers = new Map();

async function answer(line) {
  const { app, version, method, bundle, callback_url, command = 'execute' } = JSON.parse(line);
  if (version) {
    return { results: core.version };
  }
  if (!handlers.has(app)) {
    handlers.set(app, core.createAppHandler(require(app)));
  }
  try {
    const { results, status } = await handlers.get(app)({ command, method, bundle, callback_url, isDeveloper: true });
    return { results, status };
  } catch (error) {
    return { error: { name: error.name, message: error.message } };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
})();
