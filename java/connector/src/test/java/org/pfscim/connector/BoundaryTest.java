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

/** Tests both halves of the codec together, and the faults that must cause an exception instead of a crash. */
public class BoundaryTest {

    private static final int ROUNDS = 5000;
    private static final int PANIC = 255;

    @BeforeClass
    public static void library() throws Exception {
        TestLibrary.load();
    }

    @Test
    public void random_values_of_every_type_survive_a_round_trip() {
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

            Frame.Reader response = call(request(NativeConnector.HELLO, 0).bytes(bytes).string(string).strings(list)
                .map(map, Frame.Writer::strings).i64(number).bool(flag));
            assertArrayEquals(bytes, response.bytes());
            assertEquals(string, response.string());
            assertEquals(list, response.strings());
            assertEquals(new TreeMap<>(map), new TreeMap<>(response.map(Frame.Reader::strings)));
            assertEquals(number, response.i64());
            assertEquals(flag, response.bool());
            response.end();
        }
    }

    @Test
    public void damaged_frames_cause_an_exception_or_a_response() {
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
                assertTrue(message, message.matches("the frame is malformed: .*|session -?[0-9]+ does not exist: .*"));
            }
        }
    }

    @Test
    public void a_null_or_empty_frame_is_an_exception() {
        assertThrows(NativeException.class, () -> NativeConnector.call(null));
        assertThrows(NativeException.class, () -> NativeConnector.call(new byte[0]));
    }

    @Test
    public void an_unknown_session_is_an_exception_but_may_be_closed() {
        for (long key : new long[] {0, -1, 4711, Long.MAX_VALUE}) {
            NativeException thrown = assertThrows(NativeException.class, () -> call(request(NativeConnector.FIELDS, key)));
            assertEquals("session " + key + " does not exist: it was closed, or never opened", thrown.getMessage());
            call(request(NativeConnector.CLOSE, key)).strings();
        }
    }

    @Test
    public void a_panic_is_an_exception_prints_nothing_and_the_next_call_works() {
        PrintStream before = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed));
        try {
            NativeException thrown = assertThrows(NativeException.class, () -> call(request(PANIC, 0)));
            assertTrue(thrown.getMessage(), thrown.getMessage().matches("panic: provoked \\(call\\.rs:[0-9]+\\)"));
        } finally {
            System.setErr(before);
        }
        assertEquals("", printed.toString());
        assertTrue(NativeConnector.isLibraryCompatible());
    }

    @Test
    public void the_exception_does_not_depend_on_the_context_class_loader() {
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

    /** Returns a successful response, with the result as the next value. */
    private static Frame.Reader call(Frame.Writer request) {
        Frame.Reader response = new Frame.Reader(NativeConnector.call(request.toBytes()));
        response.list(line -> line.u8() + line.string());
        assertEquals(0, response.u8());
        return response;
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

    private static byte[] bytes(Random random, int bound) {
        byte[] bytes = new byte[random.nextInt(bound)];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Returns text from all of Unicode: NUL, ASCII, characters next to the surrogates, and surrogate pairs. */
    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            int point = random.nextInt(new int[] {1, 0x80, 0x800, 0x10000, 0x110000}[random.nextInt(5)]);
            text.appendCodePoint(point >= 0xd800 && point <= 0xdfff ? 0x1f600 : point);
        }
        return text.toString();
    }
}
