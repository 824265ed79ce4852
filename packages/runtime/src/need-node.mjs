// Plain JavaScript: it has to run where TypeScript does not. The version is that of docs/adr/0006.
const needed = 26;
const [major] = process.versions.node.split('.');
if (Number(major) < needed) {
  process.stderr.write(
    `config: Node ${process.versions.node} is too old: it must be ${needed} or later, which npm ci without --omit=optional brings along\n`,
  );
  process.exit(1);
}
