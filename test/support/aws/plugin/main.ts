import { serve } from "../../../../tools/command-plugin/serve.js";
import { AwsServer } from "./server.js";
import { readSettings } from "./settings.js";

serve("aws", () => new AwsServer(readSettings()));
