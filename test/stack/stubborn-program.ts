/** Run by the tests as a process of its own: says what it has, is ready, and does not care for SIGTERM. */
process.on('SIGTERM', () => process.stdout.write('no\n'));
process.stdout.write(`${JSON.stringify(process.env)}\n`);
process.stderr.write('ready\n');
setInterval(() => {}, 1_000);
