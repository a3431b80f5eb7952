//! A small picture of an image: pure, and suspicious of what it is given.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// It fits in a square of this many pixels a side.
pub const SIDE: u32 = 320;
/// A larger file has none: some decoders hold all of it.
pub const MAX_SOURCE_BYTES: i64 = 32 * 1024 * 1024;
/// Of the image; told by its header, before anything is decoded.
const MAX_PIXELS: u64 = 32_000_000;
const MAX_SIDE: u32 = 20_000;
/// What a decoder may allocate, and what it may give: four bytes for each of so many pixels.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 4;
/// What may be allocated to read a header, of which many are read at a time.
const MAX_HEADER_BYTES: u64 = 1024 * 1024;
const JPEG_QUALITY: u8 = 80;
/// What is shown in place, and no other format of the library.
const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP];

pub struct Thumbnail {
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// The thumbnail of an image, the way up that its camera says; or why there can be none.
pub fn make(source: &[u8]) -> Result<Thumbnail, String> {
    let mut decoder = decoder(source, MAX_DECODED_BYTES)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(format!("{width} × {height} pixels are too many"));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    // Shrunk first: what follows works on few pixels.
    let mut image = if width > SIDE || height > SIDE { image.thumbnail(SIDE, SIDE) } else { image };
    image.apply_orientation(orientation);
    let mut bytes = Vec::new();
    let content_type = if image.color().has_alpha() {
        let image = DynamicImage::from(image.into_rgba8());
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).map_err(|error| error.to_string())?;
        "image/png"
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        image.into_rgb8().write_with_encoder(encoder).map_err(|error| error.to_string())?;
        "image/jpeg"
    };
    Ok(Thumbnail { content_type, bytes })
}

/// Whether an image that begins so lies on its side, so that its width is its height.
pub fn is_turned(head: &[u8]) -> bool {
    let orientation = decoder(head, MAX_HEADER_BYTES)
        .and_then(|mut decoder| decoder.orientation().map_err(|error| error.to_string()));
    matches!(
        orientation,
        Ok(Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH)
    )
}

fn decoder(source: &[u8], max_bytes: u64) -> Result<impl ImageDecoder + '_, String> {
    let mut reader = ImageReader::new(Cursor::new(source)).with_guessed_format().map_err(|error| error.to_string())?;
    if !reader.format().is_some_and(|format| FORMATS.contains(&format)) {
        return Err("it is no PNG, JPEG, GIF or WebP".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(max_bytes);
    reader.limits(limits);
    reader.into_decoder().map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    /// Red on its left half, blue on its right.
    fn halves(width: u32, height: u32) -> DynamicImage {
        let half = |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
        RgbImage::from_fn(width, height, half).into()
    }

    /// The same JPEG as a camera that is held like this would write it.
    fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
        let mut bytes = jpeg[..2].to_vec();
        bytes.extend([0xff, 0xe1, 0, 36]);
        bytes.extend(exif);
        bytes.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(&jpeg[2..]);
        bytes
    }

    #[test]
    fn images_of_every_format_become_small() {
        let image = halves(800, 400);
        for format in FORMATS {
            let thumbnail = make(&encoded(&image, format)).unwrap();
            let small = image::load_from_memory(&thumbnail.bytes).unwrap();
            assert_eq!((small.width(), small.height()), (320, 160), "{format:?}");
        }
        let small = make(&encoded(&halves(10, 20), ImageFormat::Png)).unwrap();
        assert_eq!(image::load_from_memory(&small.bytes).unwrap().height(), 20, "never larger than it was");
        let clear: DynamicImage = RgbaImage::from_pixel(400, 400, Rgba([0, 0, 0, 0])).into();
        let clear = make(&encoded(&clear, ImageFormat::Png)).unwrap();
        assert_eq!(clear.content_type, "image/png");
        assert_eq!(image::load_from_memory(&clear.bytes).unwrap().into_rgba8().get_pixel(9, 9), &Rgba([0, 0, 0, 0]));
    }

    #[test]
    fn a_photo_stands_as_its_camera_was_held() {
        let turned = with_orientation(&encoded(&halves(800, 400), ImageFormat::Jpeg), 6);
        assert!(is_turned(&turned) && !is_turned(&encoded(&halves(800, 400), ImageFormat::Jpeg)));
        let small = image::load_from_memory(&make(&turned).unwrap().bytes).unwrap().into_rgb8();
        assert_eq!(small.dimensions(), (160, 320));
        // What was on its left is on top now.
        assert!(small.get_pixel(80, 20)[0] > 200 && small.get_pixel(80, 300)[2] > 200);
    }

    #[test]
    fn what_is_no_image_or_too_large_has_none() {
        let png = encoded(&halves(800, 400), ImageFormat::Png);
        let mut huge = png.clone();
        huge[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
        let wide: DynamicImage = RgbImage::new(12_000, 3_000).into();
        for (what, source) in [
            ("truncated", &png[..png.len() / 2]),
            ("a header alone", &png[..40]),
            ("50,000 × 50,000", &huge),
            ("36 million pixels", &encoded(&wide, ImageFormat::Png)),
            ("a zip", b"PK\x03\x04 and so on"),
            ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            ("nothing", b""),
        ] {
            assert!(make(source).is_err(), "{what}");
        }
    }
}
