import { certificateVerify } from '@rekey/evidence';
import { cleanJson } from '../clean.ts';
import { type Command, UsageError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

const forms = ['dsse', 'jws', 'bundle'] as const;

export const certificateGet: Command = {
  name: 'certificate get',
  operands: ['id'],
  about: 'print the signed certificate of a rotation, a rewrap or a destroyed key, for a file',
  remote: true,
  options: { form: { value: 'FORM', about: 'dsse unless said', oneOf: forms } },
  async run(call) {
    const [id = ''] = call.operands;
    const form = forms.find((one) => one === call.option('form')) ?? 'dsse';
    const certificate = await call.client().certificate(id, { form });
    // The signature is over these bytes; all forms are of ASCII without controls, or they are refused.
    if (!/^[\x20-\x7e\n]*$/.test(certificate)) throw new Error('What came is no certificate.');
    call.tell({ id, ...(id.startsWith('rot-') ? { rotationId: id } : {}), form, certificate }, () =>
      call.out.raw(certificate),
    );
    return exitCodes.completed;
  },
};

export const certificateKeys: Command = {
  name: 'certificate keys',
  about: 'print the public keys that sign certificates, as a JWK Set',
  remote: true,
  async run(call) {
    const keys = await call.client().jwks();
    call.out.raw(`${cleanJson(keys)}\n`);
    return exitCodes.completed;
  },
};

export const certificateVerification: Command = {
  name: 'certificate verify',
  operands: ['file'],
  about: 'verify a certificate against a key you trust, without any network',
  remote: false,
  options: {
    key: { value: 'PEM', about: 'a public key that you pinned' },
    jwks: { value: 'FILE', about: 'or a JWK Set that you trust' },
    'second-key': { value: 'PEM', about: 'an ML-DSA-65 key that you pinned: it must have signed, too' },
    'tsa-ca': { value: 'FILE', about: 'certificates of time stamp authorities that you trust, in PEM' },
  },
  async run(call) {
    const given = ['key', 'jwks', 'second-key', 'tsa-ca'].flatMap((name) => {
      const value = call.option(name);
      return value === undefined ? [] : [`--${name}=${value}`];
    });
    const args = [...given, ...(call.on('json') ? ['--json'] : []), '--', ...call.operands];
    const [said, wrong]: [string[], string[]] = [[], []];
    const code = await certificateVerify(args, {
      out: (line) => void said.push(line),
      err: (line) => void wrong.push(line),
    });
    if (code === exitCodes.usage) throw new UsageError(wrong[0] ?? 'It was not called rightly.');
    const [verdict = ''] = said;
    if (call.on('json')) call.tell(JSON.parse(verdict), () => {});
    else for (const line of said) call.out.line(line);
    return code;
  },
};
