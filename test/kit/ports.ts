export { freePort } from '@halley/loadtest/ports';
