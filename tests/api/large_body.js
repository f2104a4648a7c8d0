// Posts a large body with Node's own clients and prints what came back, or the error's code.
const http = require('node:http');
const [url, key, megabytes] = process.argv.slice(2);
const body = Buffer.alloc(Number(megabytes) * 1_000_000, ' ');
const headers = { 'Content-Type': 'application/json', ...(key && { Authorization: `Bearer ${key}` }) };

const byRequest = (chunked) =>
	new Promise((resolve) => {
		const length = chunked ? {} : { 'Content-Length': body.length };
		const request = http.request(url, { method: 'POST', headers: { ...headers, ...length } }, (answer) => {
			let text = '';
			answer.on('data', (part) => (text += part)).on('end', () => resolve(`${answer.statusCode} ${text}`));
		});
		request.on('error', (error) => resolve(error.code));
		for (let at = 0; at < body.length; at += 65_536) request.write(body.subarray(at, at + 65_536));
		request.end();
	});
const byFetch = () =>
	fetch(url, { method: 'POST', body, headers }).then(
		async (answer) => `${answer.status} ${await answer.text()}`,
		(error) => error.cause?.code ?? String(error),
	);

(async () => {
	console.log(JSON.stringify([await byFetch(), await byRequest(false), await byRequest(true)]));
})();
