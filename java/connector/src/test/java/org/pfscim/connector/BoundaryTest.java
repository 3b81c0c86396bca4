package org.pfscim.connector;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.junit.BeforeClass;
import org.junit.Test;

/** Both halves of the codec against each other, and everything that must end in an exception rather than in a crash. */
public class BoundaryTest {

    private static final int ROUNDS = 5000;
    private static final int PANIC = 255;

    @BeforeClass
    public static void library() throws Exception {
        TestLibrary.load();
    }

    @Test
    public void thousands_of_values_of_every_kind_come_back_as_they_went() {
        Random random = new Random(20260101);
        for (int round = 0; round < ROUNDS; round++) {
            byte[] bytes = orNull(random, () -> bytes(random, 64));
            String string = orNull(random, () -> text(random));
            List<String> list = list(random, () -> orNull(random, () -> text(random)));
            Map<String, List<String>> map = new LinkedHashMap<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                map.put(text(random), list(random, () -> text(random)));
            }
            long number = random.nextLong();
            boolean flag = random.nextBoolean();

            Frame.Reader answer = called(request(NativeConnector.HELLO, 0).bytes(bytes).string(string).strings(list)
                .map(map, Frame.Writer::strings).i64(number).bool(flag));
            assertArrayEquals(bytes, answer.bytes());
            assertEquals(string, answer.string());
            assertEquals(list, answer.strings());
            assertEquals(new TreeMap<>(map), new TreeMap<>(answer.map(Frame.Reader::strings)));
            assertEquals(number, answer.i64());
            assertEquals(flag, answer.bool());
            answer.end();
        }
    }

    @Test
    public void damaged_frames_are_exceptions_or_answers_and_nothing_else() {
        Random random = new Random(20260102);
        for (int round = 0; round < ROUNDS; round++) {
            byte[] frame = request(random.nextInt(13), 0).string(text(random)).bytes(bytes(random, 40)).toBytes();
            byte[] damaged = random.nextBoolean() ? bytes(random, 60) : frame;
            if (damaged.length > 0) {
                damaged[random.nextInt(damaged.length)] ^= 1 << random.nextInt(8);
            }
            try {
                assertEquals(1, NativeConnector.call(damaged)[0]);
            } catch (NativeException expected) {
                String message = expected.getMessage();
                assertTrue(message, message.matches("the frame is malformed: .*|there is no session .*"));
            }
        }
    }

    @Test
    public void no_frame_at_all_is_an_exception() {
        assertThrows(NativeException.class, () -> NativeConnector.call(null));
        assertThrows(NativeException.class, () -> NativeConnector.call(new byte[0]));
    }

    @Test
    public void a_session_that_is_not_there_is_an_exception_and_closing_it_is_not() {
        for (long key : new long[] {0, -1, 4711, Long.MAX_VALUE}) {
            NativeException thrown = assertThrows(NativeException.class, () -> called(request(NativeConnector.FIELDS, key)));
            assertEquals("there is no session " + key + ": it was closed, or never opened", thrown.getMessage());
            called(request(NativeConnector.CLOSE, key)).strings();
        }
    }

    @Test
    public void a_panic_is_an_exception_and_the_next_call_works_and_nothing_is_printed() {
        PrintStream before = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed));
        try {
            NativeException thrown = assertThrows(NativeException.class, () -> called(request(PANIC, 0)));
            assertTrue(thrown.getMessage(), thrown.getMessage().matches("panic: provoked \\(call\\.rs:[0-9]+\\)"));
        } finally {
            System.setErr(before);
        }
        assertEquals("", printed.toString());
        assertTrue(NativeConnector.answers());
    }

    @Test
    public void the_exception_is_found_whatever_the_context_class_loader_is() {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(ClassLoader.getSystemClassLoader().getParent());
        try {
            assertThrows(NativeException.class, () -> NativeConnector.call(new byte[0]));
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    private static Frame.Writer request(int operation, long key) {
        return new Frame.Writer().u8(operation).i64(key).bool(false);
    }

    /** The answer, opened at its result. */
    private static Frame.Reader called(Frame.Writer request) {
        Frame.Reader answer = new Frame.Reader(NativeConnector.call(request.toBytes()));
        answer.list(line -> line.u8() + line.string());
        assertEquals(0, answer.u8());
        return answer;
    }

    private static <T> T orNull(Random random, Supplier<T> value) {
        return random.nextInt(4) == 0 ? null : value.get();
    }

    private static <T> List<T> list(Random random, Supplier<T> item) {
        List<T> items = new ArrayList<>();
        for (int i = random.nextInt(6); i > 0; i--) {
            items.add(item.get());
        }
        return items;
    }

    private static byte[] bytes(Random random, int most) {
        byte[] bytes = new byte[random.nextInt(most)];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Text from all of Unicode: NUL, ASCII, what is near the surrogates, and what needs a pair of them. */
    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            int point = random.nextInt(new int[] {1, 0x80, 0x800, 0x10000, 0x110000}[random.nextInt(5)]);
            text.appendCodePoint(point >= 0xd800 && point <= 0xdfff ? 0x1f600 : point);
        }
        return text.toString();
    }
}
