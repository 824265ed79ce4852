import { fakeAwsKms } from './fake-aws-kms.ts';
import { fakeAzureKv, identityOf } from './fake-azure-kv.ts';
import { fakeGcpKms } from './fake-gcp-kms.ts';
import { fakeTransit } from './fake-transit.ts';
import { awsCredentials } from './moto.ts';

const token = 'hvs.token-of-a-test';

/** The servers of all providers that are asked by HTTP, with credentials for each in this process; `keyFile` keeps a text in a file. */
export async function fourKmss(keyFile: (text: string) => Promise<string>) {
  const [aws, azure, gcp, transit] = [
    await fakeAwsKms(),
    await fakeAzureKv(),
    await fakeGcpKms(),
    await fakeTransit(),
  ];
  transit.tokens.set(token, { endsAt: Number.POSITIVE_INFINITY, mayUse: true, renewals: 0 });
  Object.assign(process.env, awsCredentials, identityOf(azure), {
    GOOGLE_APPLICATION_CREDENTIALS: await gcp.accounts.serviceAccountFile(),
  });
  const [awsOrigin = ''] = /http:[^&]+$/.exec(aws.uri) ?? [];
  const kmss = [
    { name: 'aws-kms', uri: aws.uri, origin: awsOrigin, fake: aws },
    { name: 'azure-kv', uri: azure.uri(), origin: azure.origin, fake: azure },
    { name: 'gcp-kms', uri: gcp.uri(), origin: gcp.endpoint, fake: gcp },
    {
      name: 'hcvault',
      uri: transit.uri({ token_file: await keyFile(`${token}\n`) }),
      origin: transit.server,
      fake: transit,
    },
  ] as const;
  return { kmss, aws, azure, gcp, transit };
}
