using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PocketCoder.Feishu.Cards;
using PocketCoder.Feishu.Events;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests.Cards;

public sealed class CardTests
{
    private static readonly JsonSerializerOptions s_indented
        = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void Each_card_is_as_it_was_agreed()
    {
        foreach (var (name, view) in CardSamples.All(t => t))
        {
            Agreed($"{name}.json", view, CardLanguage.English);
        }

        foreach (var name in (string[])["turn_running", "approval_command"])
        {
            Agreed($"{name}.zh.json", CardSamples.All(t => t).Single(s => s.Name == name).View, CardLanguage.Chinese);
        }
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Every_card_is_valid_within_its_budget_and_without_markup_whatever_stands_in_it()
    {
        var clock = Stopwatch.StartNew();
        for (var seed = 1; seed < 15 || clock.Elapsed < TimeSpan.FromSeconds(4); seed++)
        {
            var hostile = new Hostile(seed);
            foreach (var (name, view) in CardSamples.All(_ => hostile.Text(), many: seed % 30))
            {
                if (name is "new_project" or "new_project_error" or "agent" or "session" && seed % 30 == 0)
                {
                    continue; // a form without a choice is nobody's
                }

                Valid($"{name} of seed {seed}", view, (CardLanguage)(seed % 2), withApp: seed % 3 == 0);
            }
        }
    }

    [Theory]
    [InlineData("*")]
    [InlineData("中")]
    [InlineData("😀")]
    [InlineData("\"")]
    [InlineData("\\")]
    [InlineData("<")]
    [InlineData(" ")]
    [InlineData("\t")]
    [InlineData("\n")]
    [InlineData("\0")]
    [InlineData("a\u0301")]
    [InlineData("|x|\n|-|\n|y|\n\n")]
    [InlineData("```\nx\n```\n")]
    [InlineData("\u0301")]
    public void Long_texts_fit_whatever_they_are_made_of(string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, 20_000));
        foreach (var (name, view) in CardSamples.All(_ => text, many: 40))
        {
            Valid(name, view, CardLanguage.Chinese, withApp: true);
        }
    }

    [Fact]
    public void The_languages_have_the_same_texts_with_the_same_parts()
    {
        foreach (var say in Enum.GetValues<Say>())
        {
            var (english, chinese) = (CardWords.English[say], CardWords.Chinese[say]);
            Assert.Equal(Parts(english), Parts(chinese));
            Assert.NotEmpty(chinese.Trim());
        }

        static string[] Parts(string text) => [.. Regex.Matches(text, @"\{\d\}", RegexOptions.None, TimeSpan.FromSeconds(1)).Select(m => m.Value).Order()];
    }

    [Fact]
    public void Every_button_and_form_comes_back_as_its_intent()
    {
        var seen = new HashSet<CardVerb>();
        foreach (var (_, view) in CardSamples.All(t => t, many: 13).Append(("hidden", new ManageView([Project(hidden: true)])))
            .Append(("typed", new FolderListView(Project(), FolderList.Recent, ["/srv"]))))
        {
            foreach (var action in Actions(CardRenderer.Render(view, CardSamples.Context()).Json))
            {
                var intent = CardIntent.Read(action);
                Assert.Equal("n0nce", intent.Nonce);
                Assert.Equal(
                    action.Value.OrderBy(v => v.Key, StringComparer.Ordinal),
                    intent.Values().OrderBy(v => v.Key, StringComparer.Ordinal).Where(v => v.Key != "d" || action.Value.ContainsKey("d"))
                        .Select(v => KeyValuePair.Create(v.Key, v.Value)));
                seen.Add(intent.Verb);
            }
        }

        Assert.Empty(Enum.GetValues<CardVerb>().Except(seen));
    }

    [Fact]
    public void A_form_gives_what_was_filled_in()
    {
        var intent = CardIntent.Read(Action(
            new() { ["a"] = "workspace.apply_agent", ["n"] = "x", ["p"] = "prj" },
            new() { ["agent"] = ["codex"], ["model"] = [], ["set_effort"] = [" high "] }));
        Assert.Equal((CardVerb.ApplyAgent, "prj", "codex", null), (intent.Verb, intent.Project, intent.Agent, intent.Model));
        Assert.Equal("high", intent.Settings["effort"]);
        intent = CardIntent.Read(Action(new() { ["a"] = "task.steer", ["n"] = "x", ["s"] = "s1", ["t"] = "t1" }, new() { ["prompt"] = ["Go on"] }));
        Assert.Equal(("Go on", "s1", "t1"), (intent.Prompt, intent.Session, intent.Turn));
        Assert.DoesNotContain("Go on", intent.ToString());
    }

    [Theory]
    [InlineData("""{"a":"nothing","n":"x"}""", "{}")]
    [InlineData("""{"n":"x"}""", "{}")]
    [InlineData("""{"a":"home"}""", "{}")]
    [InlineData("""{"a":"home","n":"x y"}""", "{}")]
    [InlineData("""{"a":"home","n":"x","p":"prj"}""", "{}")]
    [InlineData("""{"a":"home","n":"x","g":"-1"}""", "{}")]
    [InlineData("""{"a":"home","n":"x","g":"12345"}""", "{}")]
    [InlineData("""{"a":"home","n":"x"}""", """{"name":"x"}""")]
    [InlineData("""{"a":"task.stop","n":"x","s":"s"}""", "{}")]
    [InlineData("""{"a":"task.stop","n":"x","s":"../s","t":"t"}""", "{}")]
    [InlineData("""{"a":"task.submit","n":"x","p":"p"}""", "{}")]
    [InlineData("""{"a":"task.submit","n":"x","p":"p"}""", """{"prompt":"  "}""")]
    [InlineData("""{"a":"task.submit","n":"x","p":"p"}""", """{"prompt":"a\u0000b"}""")]
    [InlineData("""{"a":"workspace.apply_agent","n":"x","p":"p"}""", """{"set_a/b":"x"}""")]
    public void What_no_card_sends_is_refused(string value, string form)
    {
        var fields = Read(form).ToDictionary(f => f.Key, f => new[] { f.Value });
        var error = Assert.Throws<FeishuException>(() => CardIntent.Read(Action(Read(value), fields)));
        Assert.Equal(FeishuError.Malformed, error.Error);

        static Dictionary<string, string> Read(string json) => JsonSerializer.Deserialize<Dictionary<string, string>>(json)!;
    }

    [Fact]
    public void Too_much_of_anything_is_refused()
    {
        Dictionary<string, string> submit = new() { ["a"] = "task.submit", ["n"] = "x", ["p"] = "p" };
        Assert.Equal(1000, CardIntent.Read(Action(submit, new() { ["prompt"] = [new string('x', 1000)] })).Prompt!.Length);
        Assert.Throws<FeishuException>(() => CardIntent.Read(Action(submit, new() { ["prompt"] = [new string('x', 1001)] })));
        Assert.Throws<FeishuException>(() => CardIntent.Read(Action(submit, new() { ["prompt"] = ["a", "b"] })));
        Assert.Throws<FeishuException>(() => CardIntent.Read(Action(new(submit) { ["p"] = new string('x', 65) }, new() { ["prompt"] = ["a"] })));
        Dictionary<string, string> agent = new() { ["a"] = "workspace.apply_agent", ["n"] = "x", ["p"] = "p" };
        Assert.Throws<FeishuException>(() => CardIntent.Read(Action(agent, Enumerable.Range(0, 11).ToDictionary(i => $"set_{i}", _ => new[] { "x" }))));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void The_parser_only_ever_gives_an_intent_or_its_own_error()
    {
        var random = new Random(4711);
        var clock = Stopwatch.StartNew();
        string[] keys = ["a", "n", "p", "s", "t", "q", "r", "g", "d", "x", "", "\ud83d"];
        string[] fields = ["name", "agent", "model", "folder", "session", "prompt", "set_a", "set_", "set_/", "zz"];
        var real = CardSamples.All(t => t).SelectMany(s => Actions(CardRenderer.Render(s.View, CardSamples.Context()).Json)).ToArray();
        var (read, refused) = (0, 0);
        for (var run = 0; run < 20_000 || clock.Elapsed < TimeSpan.FromSeconds(2); run++)
        {
            string Any() => random.Next(4) switch { 0 => new Hostile(run).Text(4), 1 => "", 2 => $"{random.Next(50)}", _ => "id-1" };
            var start = real[random.Next(real.Length)];
            var value = start.Value.ToDictionary();
            var form = start.Form.ToDictionary(f => f.Key, f => f.Value.ToArray());
            for (var change = random.Next(3); change > 0; change--)
            {
                _ = random.Next(4) switch
                {
                    0 => (object)(value[keys[random.Next(keys.Length)]] = Any()),
                    1 => value.Remove(keys[random.Next(keys.Length)]),
                    2 => form[fields[random.Next(fields.Length)]] = [.. Enumerable.Range(0, random.Next(3)).Select(_ => Any())],
                    _ => form.Remove(fields[random.Next(fields.Length)]),
                };
            }

            try
            {
                var intent = CardIntent.Read(Action(value, form));
                _ = intent.Values().ToList();
                read++;
            }
            catch (FeishuException e)
            {
                Assert.Equal(FeishuError.Malformed, e.Error);
                refused++;
            }
        }

        Assert.True(read > 1000 && refused > 1000, $"{read} were read, {refused} refused");
    }

    [Fact]
    public void What_destroys_or_does_not_fit_can_not_be_allowed_from_a_card()
    {
        var view = CardSamples.Approval(t => t);
        Assert.Contains("approval.allow", Json(view));
        foreach (var other in new[]
        {
            view with { Tier = ApprovalTier.Destructive }, view with { Tier = (ApprovalTier)99 },
            view with { What = new string('x', 20_000) },
        })
        {
            Assert.DoesNotContain("approval.allow", Json(other));
            Assert.Contains("approval.reject", Json(other));
            Assert.Contains(CardSamples.App.AbsoluteUri, Json(other));
        }

        foreach (var outcome in Enum.GetValues<ApprovalOutcome>().Where(o => o != ApprovalOutcome.Pending))
        {
            Assert.DoesNotContain("\"button\"", Json(view with { Outcome = outcome }));
        }

        static string Json(ApprovalView view) => CardRenderer.Render(view, CardSamples.Context()).Json;
    }

    [Fact]
    public void An_approval_shows_its_command_whole_and_says_what_can_not_be_seen()
    {
        var what = $"echo {new string('x', 5_000)} \u202e; rm x <at id=all></at>";
        var card = CardRenderer.Render(CardSamples.Approval(t => t) with { What = what }, CardSamples.Context());
        Assert.Contains($"{new string('x', 5_000)} \\u{{202E}}; rm x ＜at id=all>＜/at>", card.Text);
        Assert.Contains(
            JsonNode.Parse(card.Json)!["body"]!["elements"]!.AsArray(),
            e => (string?)e!["tag"] == "div" && ((string?)e["text"]!["content"])!.EndsWith("<at id=all></at>", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a && b | c", "markdown")]
    [InlineData("echo &lt;", "div")]
    [InlineData("echo &#60;", "div")]
    [InlineData("cat <a>", "div")]
    [InlineData("echo ```", "div")]
    public void What_is_decided_stands_in_code_only_where_no_client_could_read_it_otherwise(string what, string tag)
    {
        var card = CardRenderer.Render(CardSamples.Approval(t => t) with { What = what }, CardSamples.Context());
        Assert.Equal(tag, (string?)JsonNode.Parse(card.Json)!["body"]!["elements"]![2]!["tag"]);
        Assert.Empty(CardValidator.Faults(card.Json));
    }

    [Theory]
    [InlineData("/srv/a b", true)]
    [InlineData("/srv/\u202eb", false)]
    [InlineData("/srv/a\0", false)]
    public void A_field_is_filled_in_only_with_what_can_be_seen(string folder, bool isFilled)
    {
        var json = CardRenderer.Render(new FolderView(Project(), folder, null, []), CardSamples.Context()).Json;
        Assert.Equal(isFilled, json.Contains("default_value", StringComparison.Ordinal));
    }

    [Fact]
    public void The_validator_finds_what_is_wrong()
    {
        const string Good = """{"schema":"2.0","body":{"elements":[{"tag":"markdown","element_id":"e1","content":"a"},{"tag":"hr","element_id":"e2"}]}}""";
        Assert.Empty(CardValidator.Faults(Good));
        (string Old, string New)[] changes =
        [
            ("2.0", "1.0"), ("\"e2\"", "\"e1\""), ("\"e2\"", "\"2e\""), ("\"hr\"", "\"action\""), ("\"hr\"", "\"hr\",\"value\":\"x\""), ("\"a\"", "\"<at id=all>\""),
            ("\"a\"", "\"[a](b)\""), ("\"a\"", "\"```\\na\""), ("\"a\"", "\"\\u202e\""), ("\"hr\"", "\"input\",\"name\":\"x\""), ("{\"elements\"", "{\"x\":1,\"elements\""),
            ("\"a\"", "\"```\\n<at id=all>\\n```\""), ("\"content\":\"a\"", "\"content\":\"a\",\"content\":\"b\""),
            ("\"a\"", "\"" + string.Concat(Enumerable.Repeat("\\n\\n| a |\\n| --- |\\n| b |", 6)) + "\""),
        ];
        Assert.All(changes, c => Assert.NotEmpty(CardValidator.Faults(Good.Replace(c.Old, c.New, StringComparison.Ordinal))));
    }

    private static ProjectLine Project(bool hidden = false) => new("prj-1", "demo", "codex", CardState.Idle, Hidden: hidden);

    private static void Valid(string name, CardView view, CardLanguage language, bool withApp)
    {
        var card = CardRenderer.Render(view, CardSamples.Context(language, withApp));
        var faults = CardValidator.Faults(card.Json);
        Assert.True(faults.Count == 0, $"{name}: {string.Join("; ", faults.Take(5))}\n{card.Json}");
        Assert.InRange(CardValidator.Size(card.Json), 1, 28 * 1024);
        Assert.DoesNotContain('\u202e', card.Text);
        Assert.DoesNotContain("](", card.Text);
        Assert.DoesNotMatch("< ?/?[A-Za-z!]", card.Text);
        Assert.InRange(card.Text.Length, 1, 20_000);
    }

    private static void Agreed(string file, CardView view, CardLanguage language, [CallerFilePath] string here = "")
    {
        var card = CardRenderer.Render(view, CardSamples.Context(language));
        Assert.Empty(CardValidator.Faults(card.Json));
        var path = Path.Combine(Path.GetDirectoryName(here)!, "Agreed", file);
        var now = JsonNode.Parse(card.Json)!.ToJsonString(s_indented) + "\n";
        if (Environment.GetEnvironmentVariable("POCKETCODER_WRITE_CONTRACTS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, now);
        }

        Assert.Equal(File.ReadAllText(path), now);
    }

    private static IEnumerable<CardAction> Actions(string json)
    {
        var root = JsonNode.Parse(json)!;
        return Buttons(root["body"]!["elements"]!.AsArray(), null);

        static IEnumerable<CardAction> Buttons(JsonArray elements, JsonArray? form)
            => elements.SelectMany(e => (string?)e!["tag"] switch
            {
                "form" => Buttons(e["elements"]!.AsArray(), e["elements"]!.AsArray()),
                "column_set" => e["columns"]!.AsArray().SelectMany(c => Buttons(c!["elements"]!.AsArray(), form)),
                "button" when e["behaviors"]![0]!["value"] is JsonObject value => [Action(
                    value.ToDictionary(v => v.Key, v => (string)v.Value!),
                    (form ?? []).Where(f => f!["name"] is not null && (string?)f["tag"] != "button").ToDictionary(f => (string)f!["name"]!, _ => new[] { "filled" }))],
                _ => [],
            });
    }

    private static CardAction Action(Dictionary<string, string> value, Dictionary<string, string[]> form)
        => new(
            "ou_ann", "c-1", "om_1", "oc_1", "button", null, value, form.ToDictionary(f => f.Key, f => (IReadOnlyList<string>)f.Value), null, null, [], null);
}
