// Writes .env.example from the table of settings; run `npm run build` first.

import { writeFileSync } from 'node:fs';
import { envExample } from '@halley/shared/config';

writeFileSync(new URL('../.env.example', import.meta.url), envExample());
