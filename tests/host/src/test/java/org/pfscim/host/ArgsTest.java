package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import org.junit.Test;

public class ArgsTest {
    @Test
    public void any_value_survives_a_round_trip_on_one_line() {
        String all = "";
        for (char c = 0; c < 0x2100; c++) {
            all += c;
        }
        for (String value : new String[] {"", " ", "a=b&c+d%20", "Grüße\r\nZoë\t日本語 😀", "\u2028\u2029\u0085", all}) {
            String line = new Args().add("a." + value, value).encode();
            assertTrue(line, line.chars().allMatch(c -> c > ' ' && c < 0x7f));
            assertEquals(Collections.singletonList(value), Args.decode(line).values("a." + value));
        }
    }

    @Test
    public void a_repeated_name_is_a_list_in_order() {
        Args args = Args.decode(new Args().add("a.roles", "x").add("m", "p").add("a.roles", "").encode());
        assertEquals(Arrays.asList("x", ""), args.values("a.roles"));
        assertEquals(Arrays.asList("x", ""), args.withPrefix("a.").get("roles"));
    }

    @Test
    public void a_missing_argument_is_null_and_an_empty_list() {
        Args args = Args.decode(new Args().addIfPresent("id", null).encode());
        assertNull(args.get("id"));
        assertEquals(Collections.emptyList(), args.values("id"));
    }

    @Test
    public void a_flag_is_true_false_or_the_default() {
        assertTrue(Args.decode("on=true").flag("on", false));
        assertFalse(Args.decode("on=false").flag("on", true));
        assertTrue(Args.decode("").flag("on", true));
    }

    @Test(expected = IllegalArgumentException.class)
    public void a_flag_with_another_value_is_an_error() {
        Args.decode("on=yes").flag("on", false);
    }

    @Test(expected = IllegalArgumentException.class)
    public void a_name_without_a_value_is_an_error() {
        Args.decode("on");
    }
}
