import { KmsError } from '../kms-error.ts';
import { endpointIn } from './endpoint.ts';

export interface AwsKey {
  /** Which KEK this is: the ARN; of a multi-Region key the same in every Region. */
  readonly id: string;
  readonly arn: string;
  readonly region: string;
  /** Absent: that of the Region. */
  readonly endpoint: string | undefined;
  /** Whether an ARN names this KEK. */
  isSame(arn: string): boolean;
}

const arnOfKey =
  /^arn:(aws|aws-[a-z]{2,12}(?:-[a-z]{1,8})?):kms:([a-z]{2,4}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}):([0-9]{12}):key\/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

const form =
  'aws-kms:arn:aws:kms:<region>:<account>:key/<id>, with ?endpoint=https://<host> where it is another one';

/** Of the URI behind its scheme. Throws `INVALID_URI`, repeating nothing of it. */
export function parseAwsKey(rest: string): AwsKey {
  const [name = '', query, ...more] = rest.replace(/^\/\//, '').split('?');
  if (/^arn:[^?]*:alias\//.test(name))
    throw invalid('an alias may name another key tomorrow: give the ARN of the key itself');
  const [arn, , region] = arnOfKey.exec(name) ?? [];
  if (arn === undefined || region === undefined || more.length > 0) throw invalid(`it must be ${form}`);
  const id = idOf(arn);
  return { id, arn, region, endpoint: endpointOf(query), isSame: (other) => idOf(other) === id };
}

/** A multi-Region key has the same bytes in each: a DEK that it wrapped in one is unwrapped in every other. */
function idOf(arn: string): string {
  return `aws-kms:${arn.replace(/^(arn:[^:]*:kms:)[^:]*(:[0-9]*:key\/mrk-)/, '$1*$2')}`;
}

function endpointOf(query: string | undefined): string | undefined {
  if (query === undefined) return undefined;
  const url = endpointIn(query, form, invalid);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalid('its endpoint may have neither credentials nor parameters');
  return url.href;
}

function invalid(why: string): KmsError {
  return new KmsError('INVALID_URI', `KEK: the URI of an AWS KMS key is not well formed: ${why}`);
}

/** Tenant and DEK by their ids, as people look for them in AWS' log. No two bindings have the same context. */
export function encryptionContext(aad: Buffer): Record<string, string> {
  const text = aad.toString('hex');
  if (aad.length !== 32) return { 'rekey:binding': text };
  return { 'rekey:tenant': uuid(text.slice(0, 32)), 'rekey:dek': uuid(text.slice(32)) };
}

function uuid(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
