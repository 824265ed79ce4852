export { type ApiSettings, buildApi } from './app.ts';
export { accessTokensOnly } from './auth/access-token.ts';
export { issuerKeys } from './auth/issuer-keys.ts';
export { type FindCaller, rememberCallers } from './auth/remember-callers.ts';
export type { AuthSettings } from './auth/settings.ts';
export { type ApiConfig, readApiConfig } from './config.ts';
export { connectRotations } from './connect-rotations.ts';
export type { ApiDependencies } from './dependencies.ts';
export { openApiDocument } from './openapi-document.ts';
