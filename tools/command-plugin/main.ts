import { serve } from "./serve";
import { CommandServer } from "./server";

serve("command", (engine) => new CommandServer(engine));
