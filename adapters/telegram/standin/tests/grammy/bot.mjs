// An ordinary grammY bot. Arguments: the address of the Bot API, the token.
import { Bot, InlineKeyboard, InputFile } from "grammy";

const [apiRoot, token] = process.argv.slice(2);
const bot = new Bot(token, { client: { apiRoot } });

bot.command("start", (ctx) =>
  ctx.reply("<b>Tea</b> or coffee?", {
    parse_mode: "HTML",
    reply_markup: new InlineKeyboard().text("Tea", "drink:tea").row().text("Coffee", "drink:coffee"),
  }));
bot.callbackQuery(/^drink:(.+)$/, async (ctx) => {
  await ctx.answerCallbackQuery({ text: "Noted" });
  await ctx.editMessageText(`You chose ${ctx.match[1]}.`);
  await ctx.answerCallbackQuery().catch((error) => ctx.reply(error.description));
});
bot.on("message:photo", async (ctx) => {
  const file = await ctx.getFile();
  await ctx.replyWithDocument(new InputFile(Buffer.from(file.file_path), "receipt.txt"), { caption: "Kept" });
});
bot.on("edited_message:text", (ctx) => ctx.reply(`Now: ${ctx.editedMessage.text}`));
bot.on("message:text", async (ctx) => {
  await ctx.replyWithChatAction("typing");
  await ctx.reply(`You said: ${ctx.message.text}`, { reply_parameters: { message_id: ctx.message.message_id } });
});

process.once("SIGTERM", () => bot.stop());
await bot.api.setMyCommands([{ command: "start", description: "Begin" }]);
await bot.start({ onStart: (me) => console.error(`polling as ${me.username}`) });
