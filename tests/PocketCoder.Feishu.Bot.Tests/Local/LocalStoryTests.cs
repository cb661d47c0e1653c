using System.Text.Json;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Bot.Tests.Local;

/// <summary>What somebody does with the local port who knows the older bot's.</summary>
public sealed class LocalStoryTests
{
    [Fact]
    public async Task A_prompt_runs_waits_for_what_it_wants_to_do_and_does_exactly_what_was_allowed_once()
    {
        await using var local = await TestLocal.StartAsync();
        Assert.Contains("/run PROMPT", (await local.CommandAsync("/help")).Is(200).Text("response_text"), StringComparison.Ordinal);
        Assert.Contains("/run PROMPT", (await local.CommandAsync("anything else")).Is(200).Text("response_text"), StringComparison.Ordinal);

        var begun = (await local.CommandAsync("/run run: echo hi >> said.txt", "r1")).Is(200);
        Assert.Equal((true, "demo", "start"), (begun.Json.GetProperty("ok").GetBoolean(), begun.Text("mode"), begun.Text("dispatch_action")));
        var id = begun.Text("task_id")!;
        var again = (await local.CommandAsync("/run run: echo hi >> said.txt", "r1")).Is(200);
        Assert.Equal(id, again.Text("task_id")); // the answer was lost: no second task

        var task = await local.BecomesAsync(id, "waiting_for_confirmation");
        Assert.Contains("echo hi", task.GetProperty("awaiting_confirmation_reason").GetString(), StringComparison.Ordinal);
        var asked = Assert.Single(task.GetProperty("approvals").EnumerateArray());
        var code = asked.GetProperty("code").GetString()!;
        Assert.Equal("demo", task.GetProperty("source").GetString());

        (await local.PostAsync($"/demo/tasks/{id}/approve", null)).Is(400); // never whatever waits just then
        (await local.PostAsync($"/demo/tasks/{id}/approve", """{"code":"0123456789abcdef"}""")).Is(404);
        (await local.CommandAsync($"/approve {id}")).Is(400);
        Assert.False(File.Exists(Path.Combine(local.Folder, "said.txt")));

        var allowed = (await local.PostAsync($"/demo/tasks/{id}/approve", $$"""{"code":"{{code}}"}""")).Is(200);
        Assert.Equal(id, allowed.Json.GetProperty("task").GetProperty("id").GetString());
        var done = await local.BecomesAsync(id, "completed");
        for (var i = 0; i < 3; i++)
        {
            (await local.PostAsync($"/demo/tasks/{id}/approve", $$"""{"code":"{{code}}"}""")).Is(200); // the same decision
        }

        (await local.PostAsync($"/demo/tasks/{id}/reject", $$"""{"code":"{{code}}"}""")).Is(409); // another one
        (await local.PostAsync($"/demo/tasks/{id}/reject", null)).Is(409); // nothing waits
        Assert.Equal("hi\n", await File.ReadAllTextAsync(Path.Combine(local.Folder, "said.txt")));

        var kinds = done.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("kind").GetString()).ToList();
        Assert.Contains("confirmation_required", kinds);
        Assert.Contains("confirmation_approved", kinds);
        Assert.Equal("task_completed", kinds[^1]);
        Assert.Equal(JsonValueKind.Null, done.GetProperty("live_output").ValueKind);
        Assert.NotEqual("", done.GetProperty("raw_result").GetString());
        Assert.True(done.GetProperty("total_token_usage").GetProperty("output_tokens").GetInt64() >= 0);

        var listed = (await local.GetAsync("/tasks")).Is(200).Json.GetProperty("tasks");
        Assert.Equal(id, Assert.Single(listed.EnumerateArray()).GetProperty("id").GetString());
        Assert.Contains("task_status=completed", (await local.CommandAsync($"/status {id}")).Is(200).Text("response_text"), StringComparison.Ordinal);

        // The decision's row says that the token vouched, and no signature.
        var rows = (await local.Owner.ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None)).Rows;
        var decided = Assert.Single(rows, r => r.Body.Contains("\"proof\":\"chat-platform\"", StringComparison.Ordinal));
        Assert.Contains("\"platform\":\"http\"", decided.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(rows, r => r.Body.Contains(local.Token, StringComparison.Ordinal));
        Assert.True((await local.Owner.VerifyLedgerAsync(CancellationToken.None)).Intact);
        await local.RestartAsync();
        Assert.Equal("completed", (await local.GetAsync($"/tasks/{id}")).Is(200).Text("status"));
        Assert.Equal(id, (await local.CommandAsync("/run run: echo hi >> said.txt", "r1")).Is(200).Text("task_id"));
    }

    [Fact]
    public async Task What_may_destroy_something_is_rejected_there_and_never_allowed()
    {
        await using var local = await TestLocal.StartAsync();
        var id = (await local.CommandAsync("/run run: rm -rf /etc/nothing-at-all")).Is(200).Text("task_id")!;
        var task = await local.BecomesAsync(id, "waiting_for_confirmation");
        var code = task.GetProperty("approvals")[0].GetProperty("code").GetString();
        Assert.Equal("destructive", task.GetProperty("approvals")[0].GetProperty("risk").GetString());
        var refused = (await local.CommandAsync($"/approve {id} {code}")).Is(403);
        Assert.Contains("Decide in the app", refused.Text("detail"), StringComparison.Ordinal);
        Assert.Equal("UNAUTHORIZED", refused.Text("code"));
        await local.BecomesAsync(id, "waiting_for_confirmation");
        (await local.PostAsync($"/demo/tasks/{id}/reject", null)).Is(200);
        await Wait.UntilAsync(
            async () => (await local.GetAsync($"/tasks/{id}")).Json.GetProperty("approvals").GetArrayLength() == 0, "nothing waits");
        Assert.Contains(
            "confirmation_rejected",
            (await local.GetAsync($"/tasks/{id}")).Json.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("kind").GetString()));
    }

    [Fact]
    public async Task How_it_stands_is_told_with_what_is_set_and_no_value_or_length_of_it()
    {
        await using var local = await TestLocal.StartAsync(environment: name => name == "OPENAI_API_KEY" ? "sk-of-mine-0123456789" : null);
        var health = (await local.GetAsync("/health")).Is(200);
        Assert.Equal(("ok", "local", "longconn", "sqlite"), (health.Text("status"), health.Text("mode"), health.Text("feishu_delivery_mode"), health.Text("state_backend")));
        Assert.False(health.Json.GetProperty("feishu_enabled").GetBoolean());
        Assert.True(health.Json.GetProperty("agent_ready").GetBoolean());
        Assert.Contains(
            health.Json.GetProperty("warnings").EnumerateArray(),
            w => w.GetString()!.Contains("feishu config --on", StringComparison.Ordinal));

        var env = (await local.GetAsync("/debug/env")).Is(200).Json;
        var codex = env.GetProperty("categories").EnumerateArray().Single(c => c.GetProperty("name").GetString() == "codex");
        Assert.Equal(
            """{"key":"OPENAI_API_KEY","present":true}""", codex.GetProperty("variables")[0].GetRawText());
        Assert.Equal(
            """{"key":"OPENAI_BASE_URL","present":false}""", codex.GetProperty("variables")[1].GetRawText());
        Assert.DoesNotContain("of-mine", env.GetRawText(), StringComparison.Ordinal);
        var listener = (await local.GetAsync("/debug/feishu")).Is(200).Json.GetProperty("listener");
        Assert.False(listener.GetProperty("enabled").GetBoolean());
    }

    [Fact]
    public async Task What_the_bot_did_lately_is_told_without_what_was_written()
    {
        await using var local = await TestLocal.StartAsync(withBot: true);
        Assert.Equal("feishu", (await local.GetAsync("/health")).Is(200).Text("mode"));
        await local.Chats!.MessageAsync("words of mine that nobody shall see", "ou_eve");
        var seen = await Wait.SeeAsync(
            async () => (await local.GetAsync("/debug/feishu")).Is(200).Json,
            d => d.GetProperty("outbound_attempts").EnumerateArray().Any(o => o.GetProperty("source").GetString()!.Contains("/messages", StringComparison.Ordinal)),
            "the stranger was answered");
        var inbound = seen.GetProperty("inbound_events")[0];
        Assert.Equal(
            ("ou_eve", "dm", "im.message.receive_v1"),
            (inbound.GetProperty("user_id").GetString(), inbound.GetProperty("reply_surface").GetString(), inbound.GetProperty("kind").GetString()));
        Assert.True(seen.GetProperty("listener").GetProperty("ready").GetBoolean());
        foreach (var secret in (string[])["words of mine", FakeFeishu.AppSecret, local.Token])
        {
            Assert.DoesNotContain(secret, seen.GetRawText(), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, local.Log, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Projects_are_listed_made_and_taken_away_by_cards_and_each_once()
    {
        await using var local = await TestLocal.StartAsync();
        var home = (await local.GetAsync("/demo/cards/dm/projects")).Is(200);
        Assert.Equal("project_home", home.Json.GetProperty("instruction").GetProperty("template_key").GetString());
        Assert.Equal("2.0", home.Json.GetProperty("card").GetProperty("schema").GetString());
        Assert.Contains("demo", home.Json.GetProperty("card").GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("project.hide", home.Json.GetProperty("card").GetRawText(), StringComparison.Ordinal);

        var root = Directory.CreateTempSubdirectory("pc-roots-").FullName;
        await local.Owner.AddRootAsync(root, CancellationToken.None);
        var agent = (await local.GetAsync("/health")).Text("agent_backend");
        var create = $$$$$"""
            {"event":{"operator":{"open_id":"ou_x"},"context":{"open_message_id":"om_x"},"action":{
                "value":{"intent_key":"project.create","surface":"dm","request_id":"c1"},
                "form_value":{"name":"poco","backend":"{{{{{agent}}}}}","folder":"{{{{{root}}}}}"}}}}
            """;
        for (var i = 0; i < 3; i++)
        {
            var made = (await local.PostAsync("/demo/card-actions", create)).Is(200);
            Assert.Equal("success", made.Json.GetProperty("toast").GetProperty("type").GetString());
        }

        var project = Assert.Single(await local.Owner.ListProjectsAsync(CancellationToken.None), p => p.Name == "poco");
        Assert.Contains(
            "Name one", (await local.CommandAsync("/run hello")).Is(409).Text("detail"), StringComparison.Ordinal); // there are two
        var named = (await local.PostAsync("/demo/command", """{"text":"/run hello","user_id":"local_demo_user","project":"poco"}""")).Is(200);
        Assert.Equal(project.ProjectId.ToString("N"), named.Json.GetProperty("task").GetProperty("project_id").GetString());
        (await local.PostAsync("/demo/command", """{"text":"/run hello","project":"other"}""")).Is(404);
        await local.BecomesAsync(named.Text("task_id")!, "completed");

        var asked = (await local.PostAsync("/demo/card-actions", Pressed("project.delete", project.ProjectId, "n1"))).Is(200);
        Assert.Contains("project.delete_sure", asked.Json.GetProperty("card").GetRawText(), StringComparison.Ordinal);
        Assert.Equal(2, (await local.Owner.ListProjectsAsync(CancellationToken.None)).Count);
        (await local.PostAsync("/demo/card-actions", Pressed("project.delete_sure", project.ProjectId, "n2"))).Is(200);
        Assert.DoesNotContain(await local.Owner.ListProjectsAsync(CancellationToken.None), p => p.Name == "poco");
        var twice = (await local.PostAsync("/demo/card-actions", Pressed("project.delete_sure", project.ProjectId, "n2"))).Is(200);
        Assert.Equal("warning", twice.Json.GetProperty("toast").GetProperty("type").GetString());
        Assert.True(Directory.Exists(Path.Combine(root, "poco"))); // its folder stays

        (await local.PostAsync("/demo/card-actions", Pressed("project.hide", project.ProjectId, "n3"))).Is(409); // a chat's own
        (await local.PostAsync("/demo/card-actions", Pressed("project.open", project.ProjectId, "n4"))).Is(404);
        Directory.Delete(root, recursive: true);
    }

    private static string Pressed(string verb, Guid project, string nonce)
        => $$$$$"""{"event":{"action":{"value":{"a":"{{{{{verb}}}}}","n":"{{{{{nonce}}}}}","p":"{{{{{project:N}}}}}"},"form_value":{}}}}""";
}
